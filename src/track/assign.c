/* The Hungarian method by shortest augmenting paths with potentials (Jonker and Volgenant 1987), on a square matrix
 * that is filled up with `limit`: to stay alone costs as much as the worst match allowed. */
#include "track/assign.h"

#include <errno.h>
#include <float.h>
#include <stdbool.h>
#include <stdlib.h>

struct solver {
    const float *cost;
    int rows, columns, size;
    float limit;
    float *u, *v, *slack; /* size + 1 each; index 0 stands for nothing */
    int *row_of, *way;    /* by column */
    bool *used;
};

static float cost_at(const struct solver *s, int row, int column)
{
    if (row > s->rows || column > s->columns)
        return s->limit;
    float c = s->cost[(row - 1) * s->columns + column - 1];
    return c < s->limit ? c : s->limit;
}

/* Finds the shortest path from `row` to a free column and turns it over. */
static void augment(struct solver *s, int row)
{
    int column = 0;
    s->row_of[0] = row;
    for (int j = 0; j <= s->size; j++) {
        s->slack[j] = FLT_MAX;
        s->used[j] = false;
    }
    do {
        int i = s->row_of[column], next = 0;
        float delta = FLT_MAX;
        s->used[column] = true;
        for (int j = 1; j <= s->size; j++) {
            if (s->used[j])
                continue;
            float reduced = cost_at(s, i, j) - s->u[i] - s->v[j];
            if (reduced < s->slack[j]) {
                s->slack[j] = reduced;
                s->way[j] = column;
            }
            if (s->slack[j] < delta) {
                delta = s->slack[j];
                next = j;
            }
        }
        for (int j = 0; j <= s->size; j++) {
            if (s->used[j]) {
                s->u[s->row_of[j]] += delta;
                s->v[j] -= delta;
            } else {
                s->slack[j] -= delta;
            }
        }
        column = next;
    } while (s->row_of[column]);
    for (; column; column = s->way[column])
        s->row_of[column] = s->row_of[s->way[column]];
}

int assign_least_cost(const float *cost, int rows, int columns, float limit, int *match)
{
    for (int i = 0; i < rows; i++)
        match[i] = -1;
    if (rows < 1 || columns < 1)
        return 0;
    int size = rows > columns ? rows : columns;
    size_t n = (size_t)size + 1;
    struct solver s = {.cost = cost, .rows = rows, .columns = columns, .size = size, .limit = limit};
    s.u = calloc(3 * n, sizeof *s.u);
    s.row_of = calloc(2 * n, sizeof *s.row_of);
    s.used = calloc(n, sizeof *s.used);
    int code = s.u && s.row_of && s.used ? 0 : -ENOMEM;
    if (code == 0) {
        s.v = s.u + n;
        s.slack = s.v + n;
        s.way = s.row_of + n;
        for (int i = 1; i <= size; i++)
            augment(&s, i);
        for (int j = 1; j <= columns; j++) {
            int i = s.row_of[j];
            if (i >= 1 && i <= rows && cost_at(&s, i, j) < limit)
                match[i - 1] = j - 1;
        }
    }
    free(s.u);
    free(s.row_of);
    free(s.used);
    return code;
}
