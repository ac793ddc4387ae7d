/* datashark.h: what a plugin of dataShark is, for one that is written in C or in anything else that can
 * export a function. This file and the C library are all that it needs; nothing is linked.
 *
 * A plugin is a shared library that exports one function:
 *
 *     const struct datashark_plugin *datashark_plugin_table(void);
 *
 * What it returns is constant for as long as the library is loaded, which is until the process ends.
 * Build it with
 *
 *     cc -shared -fPIC -O2 -o libmine.so mine.c
 *
 * and name it in a conf: `code = libmine.so`. An output is libout_NAME.so, an input is libin_NAME.so.
 *
 * CALLS. A function returns DATASHARK_OK or another status. What it answers it gives to the reply, whole
 * or in pieces; the reply copies it at once. The answer is UTF-8, and JSON where this file shows JSON. With
 * another status than DATASHARK_OK the answer is the error: {"message": "..."}, with DATASHARK_WRONG_CONF
 * {"problems": [{"path": ["key"], "message": "...", "help": "..."}]}; plain text is taken as the message.
 *
 * WHO FREES WHAT. Whoever makes a thing frees it.
 *   - A text that is an argument is the host's, and valid until the call returns.
 *   - A handle (void *) is the plugin's. The host calls the drop function of it once, and does not use it
 *     again. Only reduce_merge takes a handle over: it frees `other`, whatever it returns.
 *   - A stream or a schema has a release of its own, as Arrow says; who receives one calls it. A stream
 *     that is an argument is the plugin's to release, or to hand on, whatever it returns. One that the
 *     plugin fills in is the host's, if the call returns DATASHARK_OK; else it is left as it was.
 *
 * THREADS. A use case and its models are used by several threads at once: they must not change. A state of
 * a reduce is used by one thread at a time, not always the same one. An output and an input are used by
 * one thread, always the same one. A function may block, for as long as the conf's `timeout` allows.
 *
 * CONFS. A conf's section is a JSON object. Its values are texts as they stand in the conf, with the
 * quotes if there are any: {"at_least": "20", "title": "'a, b'"}; subsections are objects.
 */
#ifndef DATASHARK_H
#define DATASHARK_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The version of this interface. A plugin with another major version is refused. The minor version grows
 * with functions at the end of the tables; both sides may be of any minor version. What is marked "since 1.1"
 * an earlier host does not call. */
#define DATASHARK_MAJOR 1
#define DATASHARK_MINOR 1

/* What a call returns. */
#define DATASHARK_OK 0
#define DATASHARK_WRONG_CONF 1 /* the conf is wrong: the answer has the problems */
#define DATASHARK_WRONG_DATA 2 /* the data cannot give what was asked */
#define DATASHARK_IO_FAILED 3  /* the world refused: trying again may help */
#define DATASHARK_DEFECT 4     /* a defect of the plugin */

/* What a plugin is. */
#define DATASHARK_USE_CASE 1
#define DATASHARK_OUTPUT 2
#define DATASHARK_INPUT 3

/* Arrow's C Data and C Stream Interfaces, as its specification has them. Whoever has them already defines
 * these two names. */
#ifndef ARROW_C_DATA_INTERFACE
#define ARROW_C_DATA_INTERFACE

#define ARROW_FLAG_DICTIONARY_ORDERED 1
#define ARROW_FLAG_NULLABLE 2
#define ARROW_FLAG_MAP_KEYS_SORTED 4

struct ArrowSchema {
    const char *format;
    const char *name;
    const char *metadata;
    int64_t flags;
    int64_t n_children;
    struct ArrowSchema **children;
    struct ArrowSchema *dictionary;
    void (*release)(struct ArrowSchema *);
    void *private_data;
};

struct ArrowArray {
    int64_t length;
    int64_t null_count;
    int64_t offset;
    int64_t n_buffers;
    int64_t n_children;
    const void **buffers;
    struct ArrowArray **children;
    struct ArrowArray *dictionary;
    void (*release)(struct ArrowArray *);
    void *private_data;
};
#endif

#ifndef ARROW_C_STREAM_INTERFACE
#define ARROW_C_STREAM_INTERFACE

struct ArrowArrayStream {
    int (*get_schema)(struct ArrowArrayStream *, struct ArrowSchema *out);
    int (*get_next)(struct ArrowArrayStream *, struct ArrowArray *out);
    const char *(*get_last_error)(struct ArrowArrayStream *);
    void (*release)(struct ArrowArrayStream *);
    void *private_data;
};
#endif

/* Bytes, not ended by a zero; UTF-8 where nothing else is said. */
struct datashark_text {
    const uint8_t *data;
    size_t len;
};

/* Where an answer goes: reply->put(reply, bytes, len), as often as is needed. */
struct datashark_reply {
    void *host; /* not the plugin's business */
    void (*put)(struct datashark_reply *reply, const uint8_t *bytes, size_t len);
};

/* What the file holds that a key of a conf names. */
struct datashark_file {
    struct datashark_text key;
    struct datashark_text content; /* bytes of any kind */
};

/* [start, end) in microseconds since 1970-01-01 UTC; of a batch run, the least and the greatest int64. */
struct datashark_interval {
    int64_t start;
    int64_t end;
};

/* Findings of one window, for an output. */
struct datashark_findings {
    struct datashark_text use_case;
    struct datashark_interval window;
    int64_t time; /* to show with them, in microseconds */
    struct ArrowArrayStream rows; /* id (utf8), key (utf8), score (float64), then the metadata */
};

/* What the exported function returns. */
struct datashark_plugin {
    uint32_t size;  /* sizeof(struct datashark_plugin) */
    uint16_t major; /* DATASHARK_MAJOR */
    uint16_t minor; /* DATASHARK_MINOR */
    uint32_t kind;  /* DATASHARK_USE_CASE, DATASHARK_OUTPUT or DATASHARK_INPUT */
    uint32_t reserved; /* 0 */
    struct datashark_text name;
    struct datashark_text about; /* a line */
    struct datashark_text version;
    struct datashark_text author;
    const void *table; /* a datashark_use_case, datashark_output or datashark_input */
};

/* A use case. Functions that are marked may be null. */
struct datashark_use_case {
    size_t size; /* sizeof(struct datashark_use_case) */

    /* Makes the use case of its own keys of a conf. The first argument is null. */
    int32_t (*make)(void *null, struct datashark_text conf, void **use_case,
                    struct datashark_reply *reply);
    void (*drop)(void *use_case);

    /* Answers {"format": F, "aggregate": A, "trains": true}, of which all may be left out.
     *   F  how lines become columns: "lines", {"regex": "..."}, {"named": "json"}; else the conf says it
     *   A  how a window's records become rows: {"sql": "SELECT ... FROM records ..."}, "reduce" (by the
     *      functions below); else every record is a row
     * Since 1.1 also "view", with "reduce": a query over the table `records` that makes of each record one
     * row with the columns that are read, where the records have others.
     * May fill `columns` with the schema (a struct) of the columns that it reads; SQL names its own. */
    int32_t (*describe)(void *use_case, struct ArrowSchema *columns, struct datashark_reply *reply);

    /* May be null where nothing is learnt, all three. Learns from rows; answers with the model, JSON. */
    int32_t (*train)(void *use_case, struct ArrowArrayStream *rows, struct datashark_reply *reply);
    /* Makes a model of that JSON; of a use case that learns nothing it is `null`. */
    int32_t (*load)(void *use_case, struct datashark_text model, void **loaded,
                    struct datashark_reply *reply);
    void (*drop_model)(void *model);

    /* Gives each row its number: fills `findings` with a stream whose first column is the key (text) and
     * whose second is the score (a number); the others are metadata. Rows come sorted by their first
     * column. `model` is null where nothing is loaded. */
    int32_t (*score)(void *use_case, void *model, const struct datashark_interval *window,
                     struct ArrowArrayStream *rows, struct ArrowArrayStream *findings,
                     struct datashark_reply *reply);

    /* May be null where "aggregate" is not "reduce", all from here on.
     * Makes a state of the bytes that reduce_save gave; of no bytes, an empty one. */
    int32_t (*reduce_load)(void *use_case, struct datashark_text bytes, void **state,
                           struct datashark_reply *reply);
    void (*drop_state)(void *state);
    int32_t (*reduce_add)(void *use_case, void *state, struct ArrowArrayStream *records,
                          struct datashark_reply *reply);
    /* Adds what `other` knows, and frees it. Must not depend on the order. */
    int32_t (*reduce_merge)(void *use_case, void *state, void *other, struct datashark_reply *reply);
    /* Fills `rows` with a key and whatever score needs; the state stays as it is. */
    int32_t (*reduce_rows)(void *use_case, void *state, struct ArrowArrayStream *rows,
                           struct datashark_reply *reply);
    /* About how much memory it holds, in bytes. */
    uint64_t (*reduce_size)(void *use_case, void *state);
    /* Answers with the state as bytes of any kind. */
    int32_t (*reduce_save)(void *use_case, void *state, struct datashark_reply *reply);

    /* Since 1.1, and each may be null.
     * Answers the keys that name files, from the conf's folder: ["key", ...]. */
    int32_t (*files)(struct datashark_reply *reply);
    /* Makes the use case of its conf and of those of the files that are there; where there are none, `make`
     * is called. The first argument is null. */
    int32_t (*make_with_files)(void *null, struct datashark_text conf, const struct datashark_file *files,
                               size_t n_files, void **use_case, struct datashark_reply *reply);
    /* Answers which records are not to be added: [{"row": 0, "reason": "why"}]; they go to the quarantine.
     * It depends on each record alone. null is that none is ever refused, and need not be asked of. */
    int32_t (*reduce_refused)(void *use_case, struct ArrowArrayStream *records,
                              struct datashark_reply *reply);
    /* Where records are looked at with a model, fills `screened` with what the functions reduce_... are given
     * in place of the use case; `drop` frees it, before the model is freed. As a use case it is used by several
     * threads at once. */
    int32_t (*screen)(void *use_case, void *model, void **screened, struct datashark_reply *reply);
};

/* An output. */
struct datashark_output {
    size_t size; /* sizeof(struct datashark_output) */

    /* Checks a section; touches nothing. Answers {"problems": [...], "files": ["..."], "servers":
     * ["host:port"], "gather_max_findings": 0, "gather_max_age_ms": 0, "backfill": "repeats"}, of which
     * all may be left out. The first argument is null. */
    int32_t (*check)(void *null, struct datashark_text section, struct datashark_reply *reply);

    /* Opens the target. `opening` is {"section": {...}, "use_case": "...", "receipt": null, "now": 0};
     * `schema` that of the findings: key, score, metadata. */
    int32_t (*open)(struct datashark_text opening, struct ArrowSchema *schema, void **output,
                    struct datashark_reply *reply);
    void (*drop)(void *output);

    /* Delivers. Answers "safe", {"again": "why"} (none was taken), {"stop": {"status": 3, "message":
     * "why"}} (none was taken, somebody must act), or a fate for each finding, of all batches in order:
     * {"each": ["safe", {"refused": "why"}, {"again": "why"}]}. */
    int32_t (*write)(void *output, struct datashark_findings *batches, size_t n_batches,
                     struct datashark_reply *reply);

    /* Makes durable what was written. Answers null, or a JSON string: the receipt, with which it is
     * opened after a crash, to take back what came after it. */
    int32_t (*sync)(void *output, struct datashark_reply *reply);

    /* Answers what to tell the user, plain text: Written 3 Documents to ... */
    int32_t (*delivered)(void *output, uint64_t n_findings, struct datashark_reply *reply);
};

/* An input. */
struct datashark_input {
    size_t size; /* sizeof(struct datashark_input) */

    /* Answers {"is_shared": false, "reads_once": false, "arrival_column": null}, of which all may be left
     * out; may fill `beside` with the schema of the columns that it has beside the records, whose names
     * begin with _. */
    int32_t (*describe)(struct ArrowSchema *beside, struct datashark_reply *reply);

    /* Checks a section. Answers {"problems": [...], "format": "json", "source_error": null}, of which all
     * may be left out; fills `columns` where the source gives columns and not records. */
    int32_t (*check)(struct datashark_text section, struct ArrowSchema *columns,
                     struct datashark_reply *reply);

    /* Opens the source. `opening` is {"section": {...}, "use_case": "...", "resume": {"partition":
     * {"offset": 0, "note": ""}}, "once": true, "max_record_bytes": 0, "block_bytes": 0, "n_partitions":
     * 0, "beside": [], "header": null, "columns": null, "past": null, "rewind": false}. The first argument
     * is null. */
    int32_t (*open)(void *null, struct datashark_text opening, void **input,
                    struct datashark_reply *reply);
    void (*drop)(void *input);

    /* What comes next, within `wait_ms` milliseconds. Answers
     *   "nothing"                                        nothing came in the time
     *   "end"                                            nothing will come any more
     *   {"assigned": {"partition": "p", "name": "p"}}    before a partition's first batch
     *   {"batch": {"partition": "p", "end_offset": 9, "n_bytes": 9}}   with `records` filled in: the columns
     *       record (binary) and offset (uint64, ascending, below end_offset), then those beside; further
     *       members: arrival (microseconds), first_line, oversized, unreadable, and where the source
     *       gives columns first_offset, from which on all rows are below end_offset, too
     *   {"caught_up": "p"}, {"revoked": "p"}, {"ended": {"partition": "p", "forget": false}}
     *       where is_shared, a partition is idle only once it was said to be caught up, which a batch takes
     *       back, also one without records
     *   {"failed": {"partition": "p", "reason": "why"}} */
    int32_t (*next)(void *input, uint64_t wait_ms, struct ArrowArrayStream *records,
                    struct datashark_reply *reply);

    /* Is told {"partition": {"offset": 9, "note": "..."}}: all below these offsets is delivered. */
    int32_t (*acknowledge)(void *input, struct datashark_text done, struct datashark_reply *reply);

    /* Answers {"read_bytes": 0, "total_bytes": null, "unit": "records", "ends": {"partition": 9}}. */
    int32_t (*status)(void *input, struct datashark_reply *reply);
};

#ifdef __cplusplus
}
#endif

#endif
