/* What happens to the picture as a whole: scene cuts and the camera's movement, from small grey pictures. */
#ifndef OBSCURA_TRACK_SCENE_H
#define OBSCURA_TRACK_SCENE_H

#include "track/track.h"

#define SCENE_WIDTH 64
#define SCENE_HEIGHT 36

struct scene {
    bool begun;
    uint8_t last[SCENE_HEIGHT][SCENE_WIDTH];
};

/* Compares `picture` (the whole frame of width x height px, scaled) with the one before. */
void scene_update(struct scene *s, uint8_t picture[SCENE_HEIGHT][SCENE_WIDTH], int width, int height,
    struct track_motion *ret_motion);

#endif
