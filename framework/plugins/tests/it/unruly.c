/* A use case that does, when it scores, what a plugin should not: the conf's `does` says what. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "datashark.h"

static char path[512];
static char does[512];

static void take(const char *conf, const char *key, char *value, size_t size) {
    char quoted[64];
    snprintf(quoted, sizeof quoted, "\"%s\":\"", key);
    const char *at = strstr(conf, quoted);
    if (at == NULL)
        return;
    at += strlen(quoted);
    size_t n = strcspn(at, "\"");
    if (n < size) {
        memcpy(value, at, n);
        value[n] = 0;
    }
}

static int32_t make(void *null, struct datashark_text conf, void **made, struct datashark_reply *reply) {
    (void)null, (void)reply;
    char *text = strndup((const char *)conf.data, conf.len);
    take(text, "does", does, sizeof does);
    take(text, "path", path, sizeof path);
    free(text);
    *made = malloc(1);
    return DATASHARK_OK;
}

static int32_t describe(void *use_case, struct ArrowSchema *columns, struct datashark_reply *reply) {
    (void)use_case, (void)columns, (void)reply;
    return DATASHARK_OK;
}

static volatile int depth;
static volatile int *volatile nowhere;

__attribute__((noinline)) static int deeper(int n) {
    volatile char frame[4096];
    frame[0] = (char)n;
    depth = n;
    return deeper(n + 1) + frame[0];
}

static int32_t said(struct datashark_reply *reply, const char *what, int result) {
    char text[256];
    snprintf(text, sizeof text, "%s: %s", what, result < 0 ? strerror(errno) : "it worked");
    reply->put(reply, (const uint8_t *)text, strlen(text));
    return DATASHARK_WRONG_DATA;
}

static int32_t score(void *use_case, void *model, const struct datashark_interval *window,
                     struct ArrowArrayStream *rows, struct ArrowArrayStream *findings,
                     struct datashark_reply *reply) {
    (void)use_case, (void)model, (void)window;
    if (strcmp(does, "loop") == 0)
        for (;;)
            depth++;
    if (strcmp(does, "memory") == 0)
        for (;;) {
            char *block = malloc(1 << 20);
            if (block == NULL)
                abort();
            memset(block, 1, 1 << 20);
        }
    if (strcmp(does, "stack") == 0)
        return deeper(0);
    if (strcmp(does, "segfault") == 0)
        *nowhere = 1;
    if (strcmp(does, "exit") == 0)
        exit(0);
    if (strcmp(does, "close") == 0)
        for (int fd = 0; fd < 1024; fd++)
            close(fd);
    if (strcmp(does, "stdout") == 0) {
        printf("to standard output\n");
        fflush(stdout);
        close(1);
    }
    if (strcmp(does, "babble") == 0)
        for (int fd = 3; fd < 1024; fd++)
            if (write(fd, "babble babble babble", 20) < 0)
                continue;
    if (strcmp(does, "write") == 0)
        return said(reply, "write", open(path, O_CREAT | O_WRONLY, 0644));
    if (strcmp(does, "read") == 0)
        return said(reply, "read", open(path, O_RDONLY));
    if (strcmp(does, "remove") == 0)
        return said(reply, "remove", unlink(path));
    if (strcmp(does, "connect") == 0)
        return said(reply, "connect", socket(AF_INET, SOCK_STREAM, 0));
    if (strcmp(does, "fork") == 0) {
        pid_t child = fork();
        if (child == 0)
            _exit(0);
        return said(reply, "fork", child);
    }
    if (strcmp(does, "kill") == 0)
        return said(reply, "kill", kill(getppid(), SIGTERM));
    if (strcmp(does, "execute") == 0)
        return said(reply, "execute", execl("/bin/true", "true", (char *)NULL));
    if (strcmp(does, "garbage") == 0)
        return DATASHARK_OK;
    if (strcmp(does, "status") == 0)
        return 1234;
    *findings = *rows;
    rows->release = NULL;
    return DATASHARK_OK;
}

static const struct datashark_use_case table = {
    .size = sizeof table,
    .make = make,
    .drop = free,
    .describe = describe,
    .score = score,
};

#ifndef MAJOR
#define MAJOR DATASHARK_MAJOR
#endif

#define TEXT(literal) {(const uint8_t *)(literal), sizeof(literal) - 1}

static const struct datashark_plugin plugin = {
    .size = sizeof plugin,
    .major = MAJOR,
    .minor = DATASHARK_MINOR,
    .kind = DATASHARK_USE_CASE,
    .name = TEXT("unruly"),
    .about = TEXT("does what it should not"),
    .version = TEXT("1"),
    .author = TEXT("nobody"),
    .table = &table,
};

const struct datashark_plugin *datashark_plugin_table(void) {
    return &plugin;
}
