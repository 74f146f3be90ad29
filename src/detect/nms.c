/* Non-maximum suppression, see head.h.
 *
 * At low thresholds nearly every cell of every pass is a candidate, a hundred thousand of them in a photograph. So
 * those of a type lie in a grid by their centres, and a box meets only its neighbours: boxes of an IoU of t or more
 * have sides that differ by a factor of at most 1/t, and centres no farther apart than half the sum of their sides.
 */
#include "detect/head.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define VOTE_IOU 0.6f   /* with the best box, for a candidate to have a say in it */
#define UNSEEN_SAY 0.3f /* share of the best one's score that a pass counts which sees less than NMS_SAY_SHARE */
#define FULL_SAY 192.0f /* px of a pass's input: longer side from which on it knows an object as well as it can */
#define GRID_MOST 128   /* cells along a side */
#define CELL_LOAD 4     /* candidates in a cell, roughly */
#define NOBODY UINT32_MAX

/* One type's candidates, best first and those that only have a say last; a candidate's number is its place among them.
 */
struct neighbourhood {
    const struct candidate *items;
    size_t n;
    struct box area; /* of the centres */
    int side;        /* cells along each side of it */
    uint32_t *first; /* in each cell, the worst one; NOBODY */
    uint32_t *next;  /* of each candidate: the next better one of its cell */
    uint32_t *found; /* by find() */
    bool *gone;
};

static int compare(const void *pa, const void *pb)
{
    const struct candidate *a = pa, *b = pb;
    if (a->type != b->type)
        return a->type < b->type ? -1 : 1;
    if (a->says_only != b->says_only)
        return a->says_only ? 1 : -1;
    if (a->score != b->score)
        return a->score > b->score ? -1 : 1;
    /* Equal scores: any fixed order, so that results do not depend on the sort. */
    return a->best.coef < b->best.coef ? -1 : a->best.coef > b->best.coef ? 1 : memcmp(&a->box, &b->box, sizeof a->box);
}

static int cell_of(float at, float from, float to, int side)
{
    float share = to > from ? (at - from) / (to - from) * (float)side : 0;
    return !(share > 0) ? 0 : share >= (float)(side - 1) ? side - 1 : (int)share; /* not a number: 0 */
}

static float centre_x(const struct box *b)
{
    return (b->x1 + b->x2) / 2;
}

static float centre_y(const struct box *b)
{
    return (b->y1 + b->y2) / 2;
}

static void settle_in(struct neighbourhood *h, const struct candidate *items, size_t n)
{
    h->items = items;
    h->n = n;
    h->area = (struct box){
        centre_x(&items[0].box), centre_y(&items[0].box), centre_x(&items[0].box), centre_y(&items[0].box)};
    for (size_t i = 1; i < n; i++) {
        float x = centre_x(&items[i].box), y = centre_y(&items[i].box);
        h->area = (struct box){fminf(h->area.x1, x), fminf(h->area.y1, y), fmaxf(h->area.x2, x), fmaxf(h->area.y2, y)};
    }
    float wanted = sqrtf((float)n / CELL_LOAD);
    h->side = wanted < 1 ? 1 : wanted > GRID_MOST ? GRID_MOST : (int)wanted;
    for (int i = 0; i < h->side * h->side; i++)
        h->first[i] = NOBODY;
    for (size_t i = 0; i < n; i++) {
        const struct box *b = &items[i].box;
        int x = cell_of(centre_x(b), h->area.x1, h->area.x2, h->side);
        int y = cell_of(centre_y(b), h->area.y1, h->area.y2, h->side);
        h->next[i] = h->first[y * h->side + x];
        h->first[y * h->side + x] = (uint32_t)i;
    }
    memset(h->gone, 0, n * sizeof *h->gone);
}

static int by_number(const void *pa, const void *pb)
{
    const uint32_t *a = pa, *b = pb;
    return *a < *b ? -1 : *a > *b;
}

/* Numbers of the candidates worse than i whose IoU with it is `iou` or more, best first, into h->found. */
static size_t find(struct neighbourhood *h, size_t i, float iou)
{
    const struct box *b = &h->items[i].box;
    float reach = (1 + 1 / iou) / 2, far_x = (b->x2 - b->x1) * reach, far_y = (b->y2 - b->y1) * reach;
    int x0 = cell_of(centre_x(b) - far_x, h->area.x1, h->area.x2, h->side);
    int x1 = cell_of(centre_x(b) + far_x, h->area.x1, h->area.x2, h->side);
    int y0 = cell_of(centre_y(b) - far_y, h->area.y1, h->area.y2, h->side);
    int y1 = cell_of(centre_y(b) + far_y, h->area.y1, h->area.y2, h->side);
    size_t count = 0;
    for (int y = y0; y <= y1; y++)
        for (int x = x0; x <= x1; x++)
            for (uint32_t j = h->first[y * h->side + x]; j != NOBODY && j > i; j = h->next[j])
                if (box_iou(b, &h->items[j].box) >= iou)
                    h->found[count++] = j;
    qsort(h->found, count, sizeof *h->found, by_number);
    return count;
}

/* The box of a kept candidate as a mean of those that agree with it, weighted by score: neighbouring cells see the same
 * object, and each errs a little. */
static struct box vote(const struct neighbourhood *h, size_t i, size_t count)
{
    const struct candidate *best = &h->items[i];
    float sum = best->score, x1 = sum * best->box.x1, y1 = sum * best->box.y1, x2 = sum * best->box.x2,
          y2 = sum * best->box.y2;
    for (size_t k = 0; k < count && h->items[h->found[k]].score >= NMS_SAY_SHARE * best->score; k++) {
        const struct box *b = &h->items[h->found[k]].box;
        if (h->items[h->found[k]].says_only || box_iou(&best->box, b) < VOTE_IOU)
            continue;
        float weight = h->items[h->found[k]].score;
        x1 += weight * b->x1;
        y1 += weight * b->y1;
        x2 += weight * b->x2;
        y2 += weight * b->y2;
        sum += weight;
    }
    return (struct box){x1 / sum, y1 / sum, x2 / sum, y2 / sum};
}

/* The best that a pass makes of candidate i's object, of what is worse than i or only has a say; NULL where it is less
 * than NMS_SAY_SHARE of i's. */
static const struct candidate *say(const struct neighbourhood *h, size_t i, size_t count, int pass)
{
    const struct candidate *best = NULL;
    float least = NMS_SAY_SHARE * h->items[i].score;
    for (size_t k = 0; k < count; k++) {
        const struct candidate *c = &h->items[h->found[k]];
        if (c->best.pass == pass && !h->gone[h->found[k]] && c->score > (best ? best->score : least))
            best = c;
    }
    return best;
}

/* What a pass's word on an object weighs: the smaller it sees it, the more it guesses. */
static float weight(const struct nms_sight *s, float longest)
{
    return fmaxf(fminf(longest / s->px, FULL_SAY), 1);
}

/* Candidate i as all passes that can be expected to see its object make it; asked before its rivals go. */
static struct candidate agreed(const struct neighbourhood *h, size_t i, size_t count, const struct nms_rules *rules)
{
    struct candidate ret = h->items[i];
    if (ret.best.pass >= rules->pass_count)
        return ret;
    float longest = box_longest(&ret.box), weights = weight(&rules->passes[ret.best.pass], longest),
          sum = weights * ret.score;
    for (int p = 0; p < rules->pass_count; p++) {
        const struct nms_sight *s = &rules->passes[p];
        if (p == ret.best.pass || longest < s->least || (s->most > 0 && longest > s->most))
            continue;
        const struct candidate *other = say(h, i, count, p);
        if (other && !other->says_only && other->score > ret.second.score)
            ret.second = other->best;
        sum += weight(s, longest) * (other ? other->score : UNSEEN_SAY * ret.best.score);
        weights += weight(s, longest);
    }
    ret.score = sum / weights;
    return ret;
}

/* One type's candidates, already sorted; returns how many stay, moved to the front. Nobody looks at what lies before
 * the candidate in turn, so its place may be taken. */
static size_t thin_out(struct candidate *items, size_t n, const struct nms_rules *rules, struct neighbourhood *h)
{
    bool agree = rules->agree & OBJECT_BIT(items[0].type);
    float threshold = rules->threshold[items[0].type];
    size_t kept = 0;
    settle_in(h, items, n);
    for (size_t i = 0; i < n && items[i].score >= threshold && !items[i].says_only; i++) {
        if (h->gone[i])
            continue;
        size_t count = find(h, i, rules->iou);
        struct candidate best = agree ? agreed(h, i, count, rules) : items[i];
        if (rules->votes)
            best.box = vote(h, i, count);
        for (size_t k = 0; k < count; k++)
            h->gone[h->found[k]] = true;
        if (best.score >= threshold)
            items[kept++] = best;
    }
    return kept;
}

int nms_run(struct candidates *c, const struct nms_rules *rules)
{
    if (c->len == 0)
        return 0;
    if (c->len >= NOBODY)
        return -ENOMEM;
    qsort(c->items, c->len, sizeof *c->items, compare);
    size_t n = c->len, out = 0, cells = (size_t)GRID_MOST * GRID_MOST;
    uint32_t *numbers = malloc((cells + 2 * n) * sizeof *numbers + n * sizeof(bool));
    if (!numbers)
        return -ENOMEM;
    struct neighbourhood h = {.first = numbers,
        .next = numbers + cells,
        .found = numbers + cells + n,
        .gone = (bool *)(numbers + cells + 2 * n)};
    for (size_t from = 0, to; from < n; from = to) {
        for (to = from; to < n && c->items[to].type == c->items[from].type;)
            to++;
        size_t kept = thin_out(c->items + from, to - from, rules, &h);
        memmove(c->items + out, c->items + from, kept * sizeof *c->items);
        out += kept;
    }
    c->len = out;
    qsort(c->items, c->len, sizeof *c->items, compare); /* scores have changed */
    free(numbers);
    return 0;
}
