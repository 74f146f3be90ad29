/* Tracks: the same object through the frames of a video, gaps filled both ways over a delay line. Interface is set by
 * the video work. */
#ifndef OBSCURA_TRACK_TRACK_H
#define OBSCURA_TRACK_TRACK_H

#include "detect/detection.h"

#endif
