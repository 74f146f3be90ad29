/* Non-maximum suppression, see head.h. The boxes of a type are laid out as columns of numbers, so that one box meets
 * all that are worse in a loop without branches which compilers vectorize. */
#include "detect/head.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define VOTE_IOU 0.6f /* with the best box, for a candidate to have a say in it */

struct columns {
    float *x1, *y1, *x2, *y2, *area;
    unsigned char *gone;
};

static int compare(const void *pa, const void *pb)
{
    const struct candidate *a = pa, *b = pb;
    if (a->type != b->type)
        return a->type < b->type ? -1 : 1;
    if (a->score != b->score)
        return a->score > b->score ? -1 : 1;
    /* Equal scores: any fixed order, so that results do not depend on the sort. */
    return a->best.coef < b->best.coef ? -1 : a->best.coef > b->best.coef ? 1 : memcmp(&a->box, &b->box, sizeof a->box);
}

static inline float least(float a, float b)
{
    return a < b ? a : b;
}

static inline float most(float a, float b)
{
    return a > b ? a : b;
}

static void suppress(const struct columns *c, size_t i, size_t n, float iou)
{
    const float *restrict x1 = c->x1, *restrict y1 = c->y1, *restrict x2 = c->x2, *restrict y2 = c->y2,
                          *restrict area = c->area;
    unsigned char *restrict gone = c->gone;
    float ax1 = x1[i], ay1 = y1[i], ax2 = x2[i], ay2 = y2[i], aarea = area[i];
    for (size_t j = i + 1; j < n; j++) {
        float w = most(least(ax2, x2[j]) - most(ax1, x1[j]), 0);
        float h = most(least(ay2, y2[j]) - most(ay1, y1[j]), 0);
        float both = w * h;
        gone[j] |= both >= iou * (aarea + area[j] - both);
    }
}

/* The box of a kept candidate as a mean of those that agree with it, weighted by score: neighbouring cells see the same
 * object, and each errs a little. */
static struct box vote(const struct candidate *items, size_t i, size_t n)
{
    float x1 = 0, y1 = 0, x2 = 0, y2 = 0, sum = 0;
    for (size_t j = i; j < n && items[j].score >= NMS_SAY_SHARE * items[i].score; j++) {
        const struct box *b = &items[j].box;
        if (box_iou(&items[i].box, b) < VOTE_IOU)
            continue;
        float weight = items[j].score;
        x1 += weight * b->x1;
        y1 += weight * b->y1;
        x2 += weight * b->x2;
        y2 += weight * b->y2;
        sum += weight;
    }
    return (struct box){x1 / sum, y1 / sum, x2 / sum, y2 / sum};
}

/* The best that a pass makes of candidate i's object; a score of 0 where it is less than NMS_SAY_SHARE of i's. */
static struct sighting say(
    const struct candidate *items, size_t i, size_t n, int pass, float iou, const unsigned char *gone)
{
    float least_say = NMS_SAY_SHARE * items[i].score;
    for (size_t j = i + 1; j < n && items[j].score > least_say; j++)
        if (items[j].best.pass == pass && !gone[j] && box_iou(&items[i].box, &items[j].box) >= iou)
            return items[j].best;
    return (struct sighting){0};
}

/* Candidate i as all passes that can be expected to see its object make it; asked before its rivals go. */
static struct candidate agreed(
    const struct candidate *items, size_t i, size_t n, const struct nms_rules *rules, const unsigned char *gone)
{
    struct candidate ret = items[i];
    const struct box *b = &ret.box;
    float longest = most(b->x2 - b->x1, b->y2 - b->y1), sum = ret.score;
    int heard = 1;
    for (int p = 0; p < rules->pass_count; p++) {
        const struct nms_sight *s = &rules->passes[p];
        if (p == ret.best.pass || longest < s->least || (s->most > 0 && longest > s->most))
            continue;
        struct sighting other = say(items, i, n, p, rules->iou, gone);
        if (other.score > ret.second.score)
            ret.second = other;
        sum += most(other.score, NMS_SAY_SHARE * items[i].score);
        heard++;
    }
    ret.score = sum / (float)heard;
    return ret;
}

/* One type's candidates, already sorted; returns how many stay, moved to the front. */
static size_t thin_out(struct candidate *items, size_t n, const struct nms_rules *rules, const struct columns *c)
{
    bool agree = rules->agree & OBJECT_BIT(items[0].type);
    float threshold = rules->threshold[items[0].type];
    for (size_t i = 0; i < n; i++) {
        const struct box *b = &items[i].box;
        c->x1[i] = b->x1;
        c->y1[i] = b->y1;
        c->x2[i] = b->x2;
        c->y2[i] = b->y2;
        c->area[i] = box_area(b);
    }
    memset(c->gone, 0, n);
    size_t kept = 0;
    for (size_t i = 0; i < n && items[i].score >= threshold; i++) { /* agreeing raises no score */
        if (c->gone[i])
            continue;
        struct candidate best = agree ? agreed(items, i, n, rules, c->gone) : items[i];
        suppress(c, i, n, rules->iou);
        if (best.score < threshold)
            continue;
        if (rules->votes)
            best.box = vote(items, i, n);
        items[kept++] = best;
    }
    return kept;
}

int nms_run(struct candidates *c, const struct nms_rules *rules)
{
    if (c->len == 0)
        return 0;
    qsort(c->items, c->len, sizeof *c->items, compare);
    size_t n = c->len, out = 0;
    float *numbers = malloc(n * (5 * sizeof *numbers + 1));
    if (!numbers)
        return -ENOMEM;
    struct columns columns = {
        numbers, numbers + n, numbers + 2 * n, numbers + 3 * n, numbers + 4 * n, (unsigned char *)(numbers + 5 * n)};
    for (size_t from = 0, to; from < n; from = to) {
        for (to = from; to < n && c->items[to].type == c->items[from].type;)
            to++;
        size_t kept = thin_out(c->items + from, to - from, rules, &columns);
        memmove(c->items + out, c->items + from, kept * sizeof *c->items);
        out += kept;
    }
    c->len = out;
    qsort(c->items, c->len, sizeof *c->items, compare); /* scores have changed */
    free(numbers);
    return 0;
}
