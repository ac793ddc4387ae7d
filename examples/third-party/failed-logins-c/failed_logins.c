/* A use case in C: sources that failed to log in too often. It needs the header and nothing else.
 *
 *     cc -shared -fPIC -O2 -I framework/sdk/include -o libfailed_logins.so failed_logins.c
 *
 * The engine aggregates, by the query that `describe` answers; its first column is the key, its second
 * the score. So `score` hands the rows on as they are. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "datashark.h"

static int32_t answer(struct datashark_reply *reply, int32_t status, const char *text) {
    reply->put(reply, (const uint8_t *)text, strlen(text));
    return status;
}

/* The use case: its conf. */
struct failed_logins {
    long at_least;
};

/* The value of a key: in a conf of one key, a search will do. */
static int32_t make(void *null, struct datashark_text conf, void **made, struct datashark_reply *reply) {
    (void)null;
    char text[256] = {0};
    if (conf.len >= sizeof text)
        return answer(reply, DATASHARK_WRONG_CONF, "the conf is too long");
    memcpy(text, conf.data, conf.len);
    long at_least = 20;
    const char *key = strstr(text, "\"at_least\":\"");
    if (key != NULL)
        at_least = strtol(key + strlen("\"at_least\":\""), NULL, 10);
    else if (strcmp(text, "{}") != 0)
        return answer(reply, DATASHARK_WRONG_CONF,
                      "{\"problems\": [{\"message\": \"the only key here is `at_least`\"}]}");
    if (at_least < 1)
        return answer(reply, DATASHARK_WRONG_CONF,
                      "{\"problems\": [{\"path\": [\"at_least\"], \"message\": \"expected 1 or more\"}]}");
    struct failed_logins *use_case = malloc(sizeof *use_case);
    if (use_case == NULL)
        return answer(reply, DATASHARK_DEFECT, "no memory");
    use_case->at_least = at_least;
    *made = use_case;
    return DATASHARK_OK;
}

static int32_t describe(void *use_case, struct ArrowSchema *columns, struct datashark_reply *reply) {
    (void)columns;
    char text[512];
    snprintf(text, sizeof text,
             "{\"aggregate\": {\"sql\": \"SELECT source_ip, count(*) FILTER (WHERE outcome = 'failure') AS "
             "failures, count(*) AS logins FROM records GROUP BY source_ip HAVING count(*) FILTER (WHERE "
             "outcome = 'failure') >= %ld\"}}",
             ((struct failed_logins *)use_case)->at_least);
    return answer(reply, DATASHARK_OK, text);
}

/* Key, score and metadata are the query's columns as they are: the stream is handed on, not copied. */
static int32_t score(void *use_case, void *model, const struct datashark_interval *window,
                     struct ArrowArrayStream *rows, struct ArrowArrayStream *findings,
                     struct datashark_reply *reply) {
    (void)use_case, (void)model, (void)window, (void)reply;
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

#define TEXT(literal) {(const uint8_t *)(literal), sizeof(literal) - 1}

static const struct datashark_plugin plugin = {
    .size = sizeof plugin,
    .major = DATASHARK_MAJOR,
    .minor = DATASHARK_MINOR,
    .kind = DATASHARK_USE_CASE,
    .name = TEXT("failed-logins"),
    .about = TEXT("sources that failed to log in too often"),
    .version = TEXT("1.0"),
    .author = TEXT("The dataShark contributors"),
    .table = &table,
};

const struct datashark_plugin *datashark_plugin_table(void) {
    return &plugin;
}
