/* See webhook.h. A few threads: one of them at a time looks into the outbox, the others deliver or wait for their turn
 * to look. A receiver has no more than a few of them at once, so that a slow one holds up only itself.
 */
#include "webhook/webhook.h"

#include "base/control.h"
#include "base/log.h"
#include "task/store.h"
#include "webhook/deliver.h"

#include <curl/curl.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define SENDERS 8
#define PER_ORIGIN (SENDERS / TASK_WEBHOOK_PASSED_OVER)
#define ORIGIN_SIZE 280 /* scheme, host and port; of a longer one the beginning */
#define TIMEOUT_MS 30000
#define LEASE_MS 60000 /* longer than an attempt takes */
#define LOOK_MS 250    /* between two looks into an empty outbox */
#define FIRST_RETRY_MS 2000LL
#define LONGEST_RETRY_MS (4 * 3600 * 1000LL)
#define GIVE_UP_MS (24 * 3600 * 1000LL)

struct sender {
    const struct config *config;
    struct sign_keys keys;
    struct deliver_options deliver;
    pthread_mutex_t turn;                 /* to look into the outbox */
    bool complained;                      /* of a store that stays away; under turn */
    pthread_mutex_t lock;                 /* guards under_way */
    char under_way[SENDERS][ORIGIN_SIZE]; /* where deliveries go at this moment; "" where there are fewer */
    atomic_bool stop;
    int stopped; /* eventfd: readable once stop is set */
};

/* ms until the next attempt: 2 s, 6 s, 18 s ... 4 h, and the last one a day after the event; -1: that was the last. */
static int64_t next_pause(const struct task_webhook *w)
{
    int64_t pause = FIRST_RETRY_MS, left = GIVE_UP_MS - w->age_ms;
    if (left <= 0)
        return -1;
    for (int i = 0; i < w->attempts && pause < LONGEST_RETRY_MS; i++)
        pause *= 3;
    pause = pause < LONGEST_RETRY_MS ? pause : LONGEST_RETRY_MS;
    return pause < left ? pause : left;
}

static void attempt(struct sender *s, struct task_store *store, const struct task_webhook *w)
{
    char what[300];
    struct error err = {0};
    enum deliver_outcome outcome = deliver(&s->deliver, w, what, sizeof what);
    int64_t pause = outcome == DELIVER_STOPPED ? 0 : outcome == DELIVER_REFUSED ? -1 : next_pause(w);
    if (task_store_webhook_result(store, w, outcome == DELIVER_SENT, pause, what, &err) < 0)
        log_error("webhook of %s: %s", w->id, err.text); /* its lease runs out, then it is sent again */
    if (outcome == DELIVER_SENT)
        log_info("webhook of %s delivered: %s", w->id, what);
    else if (pause < 0)
        log_warn("webhook of %s given up: %s", w->id, what);
    else
        log_warn("webhook of %s not delivered, next try in %lld s: %s", w->id, (long long)pause / 1000, what);
}

static char *enter_origin(struct sender *s, const char *url)
{
    const char *host = strstr(url, "://");
    size_t n = host ? (size_t)(host + 3 - url) + strcspn(host + 3, "/?#") : strlen(url);
    char *mine = NULL;
    pthread_mutex_lock(&s->lock);
    for (int i = 0; i < SENDERS && !mine; i++)
        if (!*s->under_way[i])
            mine = s->under_way[i];
    snprintf(mine, ORIGIN_SIZE, "%.*s", (int)n, url);
    pthread_mutex_unlock(&s->lock);
    return mine;
}

static void leave_origin(struct sender *s, char *mine)
{
    pthread_mutex_lock(&s->lock);
    *mine = 0;
    pthread_mutex_unlock(&s->lock);
}

/* The origins that have as many threads as they may. */
static void find_crowded(struct sender *s, char crowded[TASK_WEBHOOK_PASSED_OVER][ORIGIN_SIZE])
{
    int found = 0;
    pthread_mutex_lock(&s->lock);
    for (int i = 0; i < SENDERS && found < TASK_WEBHOOK_PASSED_OVER; i++) {
        int before = 0;
        for (int k = 0; k < i; k++)
            before += !strcmp(s->under_way[k], s->under_way[i]);
        if (*s->under_way[i] && before == PER_ORIGIN - 1)
            memcpy(crowded[found++], s->under_way[i], ORIGIN_SIZE);
    }
    pthread_mutex_unlock(&s->lock);
}

static int look(struct sender *s, struct task_store **store, struct task_webhook *ret, struct error *err)
{
    char crowded[TASK_WEBHOOK_PASSED_OVER][ORIGIN_SIZE] = {0};
    const char *passed_over[TASK_WEBHOOK_PASSED_OVER];
    find_crowded(s, crowded);
    for (int i = 0; i < TASK_WEBHOOK_PASSED_OVER; i++)
        passed_over[i] = *crowded[i] ? crowded[i] : NULL;
    int r = *store ? 0 : task_store_open(s->config->database, store, err);
    return r < 0 ? r : task_store_webhook_next(*store, LEASE_MS, passed_over, ret, err);
}

/* Waits for something to deliver; false where it is time to end. */
static bool next(struct sender *s, struct task_store **store, struct task_webhook *ret, char **ret_origin)
{
    bool found = false;
    pthread_mutex_lock(&s->turn);
    while (!found && !atomic_load(&s->stop)) {
        struct error err = {0};
        int r = look(s, store, ret, &err);
        bool failed = r < 0 && r != -ENOENT;
        found = r == 0;
        if (failed && !s->complained)
            log_error("webhooks: %s", err.text);
        s->complained = failed;
        struct pollfd stopped = {.fd = s->stopped, .events = POLLIN};
        if (!found)
            poll(&stopped, 1, LOOK_MS);
    }
    if (found)
        *ret_origin = enter_origin(s, ret->url);
    pthread_mutex_unlock(&s->turn);
    return found;
}

static void *run_sender(void *opaque)
{
    struct sender *s = opaque;
    struct task_store *store = NULL;
    struct task_webhook w;
    char *origin;
    while (next(s, &store, &w, &origin)) {
        attempt(s, store, &w);
        leave_origin(s, origin);
        task_webhook_finish(&w);
    }
    task_store_close(store);
    return NULL;
}

static void wait_for_stop(int control_fd)
{
    char command = 0;
    struct pollfd p = {.fd = control_fd, .events = POLLIN};
    while (command != CONTROL_STOP) /* CONTROL_DRAIN: tasks that end while the server drains have webhooks too */
        if (poll(&p, 1, -1) > 0 && read(control_fd, &command, 1) == 0)
            return;
}

static int run_senders(struct sender *s, int control_fd)
{
    pthread_t threads[SENDERS];
    int count = 0, r = 0;
    while (count < SENDERS && (r = -pthread_create(&threads[count], NULL, run_sender, s)) == 0)
        count++;
    if (count > 0)
        wait_for_stop(control_fd);
    atomic_store(&s->stop, true);
    eventfd_write(s->stopped, 1);
    for (int i = 0; i < count; i++)
        pthread_join(threads[i], NULL);
    return count > 0 ? 0 : r;
}

int webhook_run(const struct config *config, int control_fd)
{
    struct sender s = {.config = config, .turn = PTHREAD_MUTEX_INITIALIZER, .lock = PTHREAD_MUTEX_INITIALIZER};
    s.deliver = (struct deliver_options){
        .allow_private = config->webhook_allow_private, .stop = &s.stop, .timeout_ms = TIMEOUT_MS};
    if (config->webhook_secret && *config->webhook_secret) {
        struct error err = {0};
        if (sign_keys_read(config->webhook_secret, &s.keys, &err) < 0) {
            log_error("%s", err.text);
            return err.code;
        }
        s.deliver.keys = &s.keys;
    }
    s.stopped = eventfd(0, EFD_CLOEXEC);
    if (s.stopped < 0 || curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        return -EIO;
    int r = run_senders(&s, control_fd);
    curl_global_cleanup();
    close(s.stopped);
    return r;
}
