/* A bounded queue of pointers between two threads of the video pipeline. */
#ifndef OBSCURA_PIPELINE_VIDEO_QUEUE_H
#define OBSCURA_PIPELINE_VIDEO_QUEUE_H

#include <pthread.h>
#include <stdbool.h>

#define VIDEO_QUEUE_ROOM 4

struct video_queue {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    void *items[VIDEO_QUEUE_ROOM]; /* guarded by lock, as all below */
    int first, len;
    bool closed;  /* no more will be put */
    bool aborted; /* nothing may be put or taken any more */
};

void video_queue_init(struct video_queue *q);
void video_queue_finish(struct video_queue *q); /* after the threads; items left are not freed */

bool video_queue_put(
    struct video_queue *q, void *item);        /* waits for room; false: aborted, the item stays the caller's */
void *video_queue_take(struct video_queue *q); /* waits for an item; NULL: closed and empty, or aborted */
void *video_queue_left(struct video_queue *q); /* after an abort: what is still in it, one by one */
void video_queue_close(struct video_queue *q);
void video_queue_abort(struct video_queue *q);

#endif
