/* The webhook outbox: entries are added by the transaction that ends a task and leave `pending` only when a receiver
 * took them or a day of retries is over. An entry is leased by moving its due time, so one whose sender dies comes up
 * again by itself: at least once, never lost.
 */
#include "base/clock.h"
#include "task/store_private.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

int store_outbox_add(struct task_store *s, const char *id, enum task_status status, int64_t event_us, struct error *err)
{
    static const char sql[] =
        "INSERT INTO outbox (id, status, event_us, due_us, url, header_name, header_value) SELECT id, "
        "CAST($2 AS BIGINT), CAST($3 AS BIGINT), CAST($3 AS BIGINT), webhook_url, webhook_header_name, "
        "webhook_header_value FROM tasks WHERE id = $1 AND webhook_url <> ''";
    struct sql_value params[] = {SQL_T(id), SQL_I(status), SQL_I(event_us)};
    int r = store_run(s, sql, params, 3, NULL, NULL, err);
    return r < 0 ? r : 0;
}

int store_outbox_forget(struct task_store *s, const char *id, struct error *err)
{
    static const char entries[] = "DELETE FROM outbox WHERE id = $1 AND state <> 0";
    static const char deliveries[] = "DELETE FROM deliveries WHERE id = $1";
    int r = store_run(s, entries, (struct sql_value[]){SQL_T(id)}, 1, NULL, NULL, err);
    if (r >= 0)
        r = store_run(s, deliveries, (struct sql_value[]){SQL_T(id)}, 1, NULL, NULL, err);
    return r < 0 ? r : 0;
}

void task_webhook_finish(struct task_webhook *w)
{
    if (!w)
        return;
    free(w->url);
    free(w->header_name);
    free(w->header_value);
    memset(w, 0, sizeof *w);
}

static int take_webhook(void *opaque, const struct sql_value *c)
{
    struct task_webhook *w = opaque;
    w->number = c[0].integer;
    if (strlen(c[1].text) >= sizeof w->id)
        return -EIO;
    strcpy(w->id, c[1].text);
    w->status = (enum task_status)c[2].integer;
    w->event_us = c[3].integer;
    w->attempts = (int)c[4].integer;
    w->url = strdup(c[5].text);
    w->header_name = strdup(c[6].text);
    w->header_value = strdup(c[7].text);
    return w->url && w->header_name && w->header_value ? 0 : -ENOMEM;
}

/* When the next entry is due; 0 where none is pending. */
static int next_due(struct task_store *s, int64_t *ret_us, struct error *err)
{
    static const char sql[] = "SELECT due_us FROM outbox WHERE state = 0 ORDER BY due_us LIMIT 1";
    *ret_us = 0;
    return store_run(s, sql, NULL, 0, sql_take_integer, ret_us, err);
}

int task_store_webhook_next(struct task_store *s, int64_t lease_ms,
    const char *const passed_over[TASK_WEBHOOK_PASSED_OVER], struct task_webhook *ret_webhook, struct error *err)
{
#define NOT(p) " AND substr(url, 1, length(CAST(" p " AS TEXT))) <> CAST(" p " AS TEXT)"
#define NEXT(lock)                                                                                                     \
    "UPDATE outbox SET due_us = $2 WHERE state = 0 AND number = (SELECT number FROM outbox WHERE state = 0 AND "       \
    "due_us <= $1" NOT("$3") NOT("$4") NOT("$5")                                                                       \
        NOT("$6") " ORDER BY due_us LIMIT 1" lock                                                                      \
                  ") RETURNING number, id, status, event_us, attempts, url, header_name, header_value"
    static const char plain[] = NEXT(""), locking[] = NEXT(" FOR UPDATE SKIP LOCKED");
#undef NEXT
#undef NOT
    static const char nowhere[] = "-"; /* no address begins so */
    int64_t due, now;
    int r = store_now(s, &now, err);
    if (r == 0)
        r = next_due(s, &due, err);
    if (r < 0)
        return r;
    if (r == 0 || due > now)
        return error_set(err, -ENOENT, "no webhook is due");
    if ((r = store_begin(s, false, err)) < 0)
        return r;
    struct sql_value params[2 + TASK_WEBHOOK_PASSED_OVER] = {SQL_I(now), SQL_I(now + lease_ms * 1000)};
    for (int i = 0; i < TASK_WEBHOOK_PASSED_OVER; i++)
        params[2 + i] = SQL_T(passed_over && passed_over[i] ? passed_over[i] : nowhere);
    memset(ret_webhook, 0, sizeof *ret_webhook);
    r = store_run(s, s->db->driver->locks_rows ? locking : plain, params, 2 + TASK_WEBHOOK_PASSED_OVER, take_webhook,
        ret_webhook, err);
    if (r == 0)
        r = error_set(err, -ENOENT, "no webhook is due");
    ret_webhook->age_ms = (now - ret_webhook->event_us) / 1000;
    if ((r = store_finish(s, r, err)) < 0)
        task_webhook_finish(ret_webhook);
    return r < 0 ? r : 0;
}

/* The record shows the attempt as long as there is a record. */
static int log_attempt(
    struct task_store *s, const char *id, bool sent, int64_t now, const char *what, struct error *err)
{
    static const char sql[] =
        "INSERT INTO deliveries (id, at_us, sent, what) SELECT id, CAST($2 AS BIGINT), CAST($3 AS BIGINT), "
        "CAST($4 AS TEXT) FROM tasks WHERE id = $1";
    struct sql_value params[] = {SQL_T(id), SQL_I(now), SQL_I(sent), SQL_T(what)};
    return store_run(s, sql, params, 4, NULL, NULL, err);
}

static int end_entry(struct task_store *s, const struct task_webhook *w, bool sent, struct error *err)
{
    static const char mark[] = "UPDATE tasks SET webhook_status = $2 WHERE id = $1";
    static const char drop[] = "DELETE FROM outbox WHERE number = $1";
    struct sql_value params[] = {SQL_T(w->id), SQL_I(sent ? TASK_WEBHOOK_SENT : TASK_WEBHOOK_FAILED)};
    int r = store_run(s, mark, params, 2, NULL, NULL, err);
    if (r == 0) /* the record was deleted meanwhile: nothing is left to tell */
        r = store_run(s, drop, (struct sql_value[]){SQL_I(w->number)}, 1, NULL, NULL, err);
    return r;
}

int task_store_webhook_result(struct task_store *s, const struct task_webhook *w, bool sent, int64_t retry_ms,
    const char *what, struct error *err)
{
    static const char sql[] =
        "UPDATE outbox SET attempts = attempts + 1, state = $2, due_us = $3 WHERE number = $1 AND state = 0";
    bool over = sent || retry_ms < 0;
    int64_t now;
    int r = store_now(s, &now, err);
    if (r < 0 || (r = store_begin(s, true, err)) < 0)
        return r;
    struct sql_value params[] = {SQL_I(w->number),
        SQL_I(sent   ? 1
              : over ? 2
                     : 0),
        SQL_I(now + (over ? 0 : retry_ms * 1000))};
    r = store_run(s, sql, params, 3, NULL, NULL, err);
    if (r >= 0)
        r = log_attempt(s, w->id, sent, now, what, err);
    if (r >= 0 && over)
        r = end_entry(s, w, sent, err);
    r = store_finish(s, r, err);
    return r < 0 ? r : 0;
}

static int take_delivery(void *opaque, const struct sql_value *c)
{
    char at[CLOCK_ISO_SIZE];
    clock_format_iso(c[0].integer, at);
    json_t *entry = json_pack("{s:s, s:b, s:s}", "at", at, "delivered", c[1].integer != 0, "answer", c[2].text);
    return json_array_append_new(opaque, entry) < 0 ? -ENOMEM : 0;
}

int task_store_webhook_log(struct task_store *s, const char *id, char **ret_json, struct error *err)
{
    static const char sql[] = "SELECT at_us, sent, what FROM deliveries WHERE id = $1 ORDER BY number";
    json_t *list = json_array();
    if (!list)
        return error_set(err, -ENOMEM, "out of memory");
    int r = store_run(s, sql, (struct sql_value[]){SQL_T(id)}, 1, take_delivery, list, err);
    if (r >= 0) {
        *ret_json = json_dumps(list, JSON_COMPACT);
        r = *ret_json ? 0 : error_set(err, -ENOMEM, "out of memory");
    }
    json_decref(list);
    return r;
}
