/* File names. */
#ifndef OBSCURA_BASE_PATH_H
#define OBSCURA_BASE_PATH_H

/* Makes the folders above `path` that are missing, for the owner only (0700). Failure is left to whoever uses them. */
void path_make_parents(const char *path);

#endif
