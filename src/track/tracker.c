/* See track.h. Frames are numbered as they are pushed; a slot is used again only after its frame has been popped and is
 * out of the smoother's reach. */
#include "track/tracker_private.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "track/assign.h"

#define WIDEN 0.3f       /* of the box at each side, for the first stage's overlap */
#define FIRST_LIMIT 0.9f /* 1 - overlap of widened boxes */
#define SIZE_RATIO 4.0f  /* of areas, most, between a prediction and its detection */
#define SECOND_LIMIT 0.6f
#define SECOND_MISSES 10 /* frames: what was not seen for longer is not continued by a weak detection */
#define HEAD_AFTER 3     /* looks after its first that a track's head is drawn, when its speed is known */
#define HEAD_SHARE 3     /* part of the delay line after which it is drawn in any case */
#define LARGE 0.25f      /* of the picture's longer side */
#define MAX_OBJECTS 512  /* tracks or detections of a type in one association; the rest begin tracks of their own */

int slot_add(struct slot *s, const struct detection *d, bool filled)
{
    if (s->len == s->cap) {
        int cap = s->cap ? s->cap * 2 : 16;
        struct entry *entries = realloc(s->entries, (size_t)cap * sizeof *entries);
        if (!entries) {
            mask_destroy(d->mask);
            return -ENOMEM;
        }
        s->entries = entries;
        s->cap = cap;
    }
    s->entries[s->len++] = (struct entry){.d = *d, .raw = d->box, .filled = filled};
    return 0;
}

/* Whether a track may begin with it. What is large is seen well or is nothing: on blurred pictures walls become faces,
 * and those would cover half of the picture for a second. */
static bool strong(const struct tracker *t, const struct detection *d)
{
    float side = box_longest(&d->box);
    bool large = side > LARGE * (float)(t->options.width > t->options.height ? t->options.width : t->options.height);
    return d->score >= t->options.threshold[d->type] * (large ? 1 : t->options.begin_share);
}

static void track_destroy(struct track *k)
{
    mask_destroy(k->mask);
    free(k);
}

int tracker_create(const struct tracker_options *options, struct tracker **ret_tracker)
{
    if (options->frame_rate <= 0 || options->width < 1 || options->height < 1)
        return -EINVAL;
    struct tracker *t = calloc(1, sizeof *t);
    if (!t)
        return -ENOMEM;
    t->options = *options;
    if (options->begin_share <= 0)
        t->options.begin_share = 1;
    int low = HEAD_AFTER + 2;
    t->options.delay = options->off                       ? 0
                       : options->delay < low             ? low
                       : options->delay > TRACK_MAX_DELAY ? TRACK_MAX_DELAY
                                                          : options->delay;
    t->slot_count = t->options.delay + SMOOTH_REACH + 2;
    t->slots = calloc((size_t)t->slot_count, sizeof *t->slots);
    if (!t->slots) {
        free(t);
        return -ENOMEM;
    }
    *ret_tracker = t;
    return 0;
}

static void destroy_list(struct track *k)
{
    while (k) {
        struct track *next = k->next;
        track_destroy(k);
        k = next;
    }
}

void tracker_destroy(struct tracker *t)
{
    if (!t)
        return;
    for (int i = 0; i < t->slot_count; i++) {
        for (int j = 0; j < t->slots[i].len; j++)
            mask_destroy(t->slots[i].entries[j].d.mask);
        free(t->slots[i].entries);
    }
    free(t->slots);
    destroy_list(t->live);
    destroy_list(t->ended);
    free(t);
}

/* Draws what is still to be drawn of a track and moves it to the ended ones; *link is the live list's pointer to it. */
static int end_track(struct tracker *t, struct track **link)
{
    struct track *k = *link;
    int r = k->headed ? 0 : fill_head(t, k);
    if (r == 0)
        r = fill_tail(t, k);
    *link = k->next;
    k->next = t->ended;
    t->ended = k;
    return r;
}

static int end_all(struct tracker *t)
{
    int r = 0;
    while (t->live && r == 0)
        r = end_track(t, &t->live);
    return r;
}

/* A detection becomes the track's newest; takes its mask. */
static int see(struct tracker *t, struct track *k, struct detection *d, int64_t frame)
{
    int r = k->hits ? fill_gap(t, k, frame, d) : 0;
    mask_destroy(k->mask);
    k->mask = NULL;
    if (r == 0)
        r = shape_copy(d->mask, &k->mask);
    if (k->hits++)
        kalman_update(&k->kalman, &d->box);
    else
        kalman_init(&k->kalman, &d->box);
    k->last_seen = k->kalman;
    k->box = d->box;
    k->last = frame;
    k->missed = false;
    k->summary.last = frame;
    k->summary.detected++;
    if (d->score < k->summary.lowest_score)
        k->summary.lowest_score = d->score;
    d->track_id = k->summary.id;
    int added = slot_add(tracker_slot(t, frame), d, false);
    d->mask = NULL;
    return r < 0 ? r : added;
}

static int begin_track(struct tracker *t, struct detection *d, int64_t frame)
{
    struct track *k = calloc(1, sizeof *k);
    if (!k)
        return -ENOMEM;
    k->summary = (struct track_summary){.id = t->next_id++, .type = d->type, .first = frame, .lowest_score = d->score};
    k->next = t->live;
    t->live = k;
    return see(t, k, d, frame);
}

static struct box widen(const struct box *b, float share)
{
    float x = (b->x2 - b->x1) * share, y = (b->y2 - b->y1) * share;
    return (struct box){b->x1 - x, b->y1 - y, b->x2 + x, b->y2 + y};
}

/* Whether one may be the other some frames on: objects do not swell to several times their size between frames. */
static bool sizes_agree(const struct box *a, const struct box *b)
{
    float x = box_area(a), y = box_area(b);
    return x < y * SIZE_RATIO && y < x * SIZE_RATIO;
}

struct stage {
    float widen, limit;
    bool strong;    /* detections above the threshold, or those below */
    int64_t misses; /* tracks not seen for longer are left out */
};

/* One stage of association for one type. Detections that found their track have type OBJECT_TYPES from then on. */
static int associate(
    struct tracker *t, enum object_type type, const struct stage *stage, struct detections *found, int64_t frame)
{
    struct track *tracks[MAX_OBJECTS];
    struct detection *items[MAX_OBJECTS];
    int match[MAX_OBJECTS], rows = 0, columns = 0;
    for (struct track *k = t->live; k && rows < MAX_OBJECTS; k = k->next)
        if (k->summary.type == type && k->last < frame && frame - k->last <= stage->misses)
            tracks[rows++] = k;
    for (size_t i = 0; i < found->len && columns < MAX_OBJECTS; i++) {
        struct detection *d = &found->items[i];
        if (d->type == type && strong(t, d) == stage->strong)
            items[columns++] = d;
    }
    if (!rows || !columns)
        return 0;
    float *cost = malloc((size_t)rows * (size_t)columns * sizeof *cost);
    if (!cost)
        return -ENOMEM;
    for (int i = 0; i < rows; i++) {
        struct box predicted = kalman_box(&tracks[i]->kalman);
        predicted = widen(&predicted, stage->widen);
        for (int j = 0; j < columns; j++) {
            struct box b = widen(&items[j]->box, stage->widen);
            cost[i * columns + j] = sizes_agree(&predicted, &b) ? 1 - box_iou(&predicted, &b) : 1;
        }
    }
    int r = assign_least_cost(cost, rows, columns, stage->limit, match);
    free(cost);
    for (int i = 0; i < rows && r == 0; i++) {
        if (match[i] < 0)
            continue;
        r = see(t, tracks[i], items[match[i]], frame);
        items[match[i]]->type = OBJECT_TYPES;
    }
    return r;
}

/* The strong detections that no track has taken. */
static int begin_tracks(struct tracker *t, struct detections *found, int64_t frame)
{
    int r = 0;
    for (size_t i = 0; i < found->len && r == 0; i++) {
        struct detection *d = &found->items[i];
        if (d->type < OBJECT_TYPES && strong(t, d))
            r = begin_track(t, d, frame);
    }
    return r;
}

static int follow(struct tracker *t, struct detections *found, const struct track_motion *motion, int64_t frame)
{
    const struct stage first = {WIDEN, FIRST_LIMIT, true, INT64_MAX}, second = {0, SECOND_LIMIT, false, SECOND_MISSES};
    int r = 0;
    for (struct track *k = t->live; k; k = k->next) {
        kalman_predict(&k->kalman);
        kalman_shift(&k->kalman, motion->dx, motion->dy);
    }
    for (int type = 0; type < OBJECT_TYPES && r == 0 && !motion->skipped; type++) {
        r = associate(t, (enum object_type)type, &first, found, frame);
        if (r == 0)
            r = associate(t, (enum object_type)type, &second, found, frame);
    }
    if (r == 0)
        r = begin_tracks(t, found, frame);
    for (struct track **link = &t->live; *link && r == 0;) {
        struct track *k = *link;
        if (frame - k->last >= t->options.delay - 1) {
            r = end_track(t, link);
            continue;
        }
        if (!motion->skipped && k->last < frame)
            k->missed = true;
        k->looks += !motion->skipped && k->summary.first < frame;
        bool late = frame - k->summary.first > HEAD_AFTER && frame - k->summary.first >= t->options.delay / HEAD_SHARE;
        if (!k->headed && (k->looks >= HEAD_AFTER || late))
            r = fill_head(t, k);
        link = &k->next;
    }
    return r;
}

static int take_all(struct tracker *t, struct detections *found, int64_t frame)
{
    int r = 0;
    for (size_t i = 0; i < found->len && r == 0; i++) {
        struct detection *d = &found->items[i];
        if (d->score < t->options.threshold[d->type])
            continue;
        d->track_id = -1;
        r = slot_add(tracker_slot(t, frame), d, false);
        d->mask = NULL;
    }
    return r;
}

int tracker_push(struct tracker *t, struct detections *found, const struct track_motion *motion, void *payload)
{
    int64_t frame = t->pushed;
    int r = motion->cut ? end_all(t) : 0;
    struct slot *s = tracker_slot(t, frame);
    s->payload = payload;
    s->cut = motion->cut;
    s->len = 0;
    t->pushed++;
    if (r == 0)
        r = t->options.off ? take_all(t, found, frame) : follow(t, found, motion, frame);
    detections_finish(found);
    return r;
}

int tracker_flush(struct tracker *t)
{
    t->flushed = true;
    return end_all(t);
}

int tracker_pop(struct tracker *t, struct track_frame *ret)
{
    if (t->popped >= t->pushed || (!t->flushed && t->pushed - t->popped <= t->options.delay))
        return 0;
    struct slot *s = tracker_slot(t, t->popped);
    *ret = (struct track_frame){.filled = calloc((size_t)s->len + 1, sizeof *ret->filled)};
    if (!ret->filled)
        return -ENOMEM;
    for (int i = 0; i < s->len; i++) {
        struct entry *e = &s->entries[i];
        struct detection d = e->d;
        d.box = smooth_box(t, t->popped, e);
        d.anonymised = true;
        if (detections_append(&ret->found, &d) < 0) {
            track_frame_finish(ret);
            return -ENOMEM;
        }
        e->d.mask = NULL;
        ret->filled[i] = e->filled;
    }
    ret->payload = s->payload;
    s->payload = NULL;
    t->popped++;
    return 1;
}

void track_frame_finish(struct track_frame *f)
{
    if (!f)
        return;
    detections_finish(&f->found);
    free(f->filled);
    f->filled = NULL;
}

void *tracker_take_payload(struct tracker *t)
{
    for (int i = 0; i < t->slot_count; i++)
        if (t->slots[i].payload) {
            void *payload = t->slots[i].payload;
            t->slots[i].payload = NULL;
            return payload;
        }
    return NULL;
}

bool tracker_ended(struct tracker *t, struct track_summary *ret_summary)
{
    struct track *k = t->ended;
    if (!k)
        return false;
    *ret_summary = k->summary;
    t->ended = k->next;
    track_destroy(k);
    return true;
}
