/* See video_queue.h. */
#include "pipeline/video_queue.h"

#include <stddef.h>

void video_queue_init(struct video_queue *q)
{
    *q = (struct video_queue){0};
    pthread_mutex_init(&q->lock, NULL);
    pthread_cond_init(&q->changed, NULL);
}

void video_queue_finish(struct video_queue *q)
{
    pthread_mutex_destroy(&q->lock);
    pthread_cond_destroy(&q->changed);
}

bool video_queue_put(struct video_queue *q, void *item)
{
    pthread_mutex_lock(&q->lock);
    while (q->len == VIDEO_QUEUE_ROOM && !q->aborted)
        pthread_cond_wait(&q->changed, &q->lock);
    bool ok = !q->aborted;
    if (ok)
        q->items[(q->first + q->len++) % VIDEO_QUEUE_ROOM] = item;
    pthread_cond_broadcast(&q->changed);
    pthread_mutex_unlock(&q->lock);
    return ok;
}

/* The lock is held, the queue is not empty. */
static void *shift(struct video_queue *q)
{
    void *item = q->items[q->first];
    q->first = (q->first + 1) % VIDEO_QUEUE_ROOM;
    q->len--;
    return item;
}

void *video_queue_take(struct video_queue *q)
{
    pthread_mutex_lock(&q->lock);
    while (!q->len && !q->closed && !q->aborted)
        pthread_cond_wait(&q->changed, &q->lock);
    void *item = q->len && !q->aborted ? shift(q) : NULL;
    pthread_cond_broadcast(&q->changed);
    pthread_mutex_unlock(&q->lock);
    return item;
}

void *video_queue_left(struct video_queue *q)
{
    return q->len ? shift(q) : NULL;
}

void video_queue_close(struct video_queue *q)
{
    pthread_mutex_lock(&q->lock);
    q->closed = true;
    pthread_cond_broadcast(&q->changed);
    pthread_mutex_unlock(&q->lock);
}

void video_queue_abort(struct video_queue *q)
{
    pthread_mutex_lock(&q->lock);
    q->aborted = true;
    pthread_cond_broadcast(&q->changed);
    pthread_mutex_unlock(&q->lock);
}
