/* The assignment of least total cost between two sets. */
#ifndef OBSCURA_TRACK_ASSIGN_H
#define OBSCURA_TRACK_ASSIGN_H

/* `cost` has `rows` rows of `columns`. match[row] becomes its column, or -1 where no column at a cost below `limit` is
 * left for it. -ENOMEM */
int assign_least_cost(const float *cost, int rows, int columns, float limit, int *match);

#endif
