/* What looking at fewer frames of a video costs: how much of what the detector finds in every frame stays covered.
 *
 *   build/bench/pace [--frames N] [--threads N] [--types LIST] VIDEO...
 *
 * Each video is decoded and looked at once, frame by frame. Then the tracker runs again and again over what was found,
 * each time without what lies in frames that a setting of --detect-every would have left out, and its boxes are
 * compared with the boxes found in every frame: those at the threshold (0.5, or 0.4 for persons and vehicles) and those
 * at half of it, which hold much that is wrong too. A box is covered where 80 % of it lies under the tracker's. */
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "detect/detect.h"
#include "infer/infer.h"
#include "media/scale.h"
#include "media/video.h"
#include "track/pace.h"
#include "track/scene.h"

#define COVERED 0.8
#define GRID 16 /* points a side at which a box is tested */

static const float threshold[OBJECT_TYPES] = {
    [OBJECT_FACE] = 0.5f, [OBJECT_LICENSE_PLATE] = 0.5f, [OBJECT_PERSON] = 0.4f, [OBJECT_VEHICLE] = 0.4f};

struct seen {
    struct detections found;
    struct track_motion motion;
};

struct clip {
    struct video_info info;
    struct seen *frames;
    int count, cap;
};

struct tally {
    int looks;
    int boxes[2], covered[2], frames_open[2]; /* of the boxes at the threshold, of those at half of it */
};

static int die(const char *what, const struct error *err)
{
    fprintf(stderr, "pace: %s: %s\n", what, err ? err->text : "failed");
    exit(1);
}

static void add_frame(struct clip *c, struct detector *d, struct scene *scene, struct frame *f, unsigned types)
{
    struct detect_params params = {.types = types, .video = true};
    struct error err = {0};
    if (c->count == c->cap) {
        c->cap = c->cap ? c->cap * 2 : 256;
        c->frames = realloc(c->frames, (size_t)c->cap * sizeof *c->frames);
    }
    struct seen *s = &c->frames[c->count++];
    *s = (struct seen){0};
    for (int t = 0; t < OBJECT_TYPES; t++)
        params.threshold[t] = threshold[t] * TRACK_LOW_SHARE;
    uint8_t picture[SCENE_HEIGHT][SCENE_WIDTH];
    if (scale_luma(f, picture[0], SCENE_WIDTH, SCENE_WIDTH, SCENE_HEIGHT) < 0)
        die("scaling", NULL);
    scene_update(scene, picture, f->width, f->height, &s->motion);
    if (detector_run(d, f, &params, &s->found, &err) < 0)
        die("detecting", &err);
}

static void read_clip(const char *path, struct detector *d, unsigned types, int most, struct clip *c)
{
    struct video_options options = {.threads = 1};
    struct video_reader *reader;
    struct video_frame frame;
    struct error err = {0};
    struct scene scene = {0};
    int fd = open(path, O_RDONLY), r = 0;
    if (fd < 0 || video_reader_open(fd, &options, &reader, &err) < 0)
        die(path, &err);
    while (c->count < most && (r = video_reader_next(reader, &frame, &err)) > 0) {
        if (video_orient(&frame.frame, video_reader_info(reader)->orientation) < 0)
            die(path, NULL);
        add_frame(c, d, &scene, frame.frame, types);
        video_frame_finish(&frame);
    }
    if (r < 0)
        die(path, &err);
    c->info = *video_reader_info(reader);
    video_reader_close(reader);
    close(fd);
}

static bool inside(const struct detections *cover, float x, float y)
{
    for (size_t i = 0; i < cover->len; i++) {
        const struct box *b = &cover->items[i].box;
        if (x >= b->x1 && x < b->x2 && y >= b->y1 && y < b->y2)
            return true;
    }
    return false;
}

static bool is_covered(const struct detections *cover, const struct box *b)
{
    int hits = 0;
    for (int i = 0; i < GRID * GRID; i++) {
        float x = (float)(i % GRID) + 0.5f, y = (float)(i / GRID) + 0.5f;
        hits += inside(cover, b->x1 + (b->x2 - b->x1) * x / GRID, b->y1 + (b->y2 - b->y1) * y / GRID);
    }
    return hits >= COVERED * GRID * GRID;
}

static void judge(struct tally *t, const struct detections *found, const struct detections *cover)
{
    bool open[2] = {false};
    for (size_t i = 0; i < found->len; i++) {
        const struct detection *d = &found->items[i];
        bool covered = is_covered(cover, &d->box);
        for (int low = d->score < threshold[d->type]; low < 2; low++) {
            t->boxes[low]++;
            t->covered[low] += covered;
            open[low] |= !covered;
        }
    }
    for (int low = 0; low < 2; low++)
        t->frames_open[low] += open[low];
}

static void copy_found(const struct detections *from, struct detections *to)
{
    for (size_t i = 0; i < from->len; i++)
        if (detections_append(to, &from->items[i]) < 0)
            die("copying", NULL);
}

/* The tracker over what a setting would have seen; every < 0: without the tracker. */
static void try_setting(const struct clip *c, int every, struct tally *t)
{
    int delay = (int)(c->info.frame_rate * 1.2 + 0.5), popped = 0;
    struct tracker_options options = {.width = c->info.width,
        .height = c->info.height,
        .frame_rate = c->info.frame_rate,
        .delay = delay,
        .off = every < 0};
    struct tracker *tracker;
    struct pace pace;
    pace_init(&pace, every < 0 ? 1 : every, c->info.frame_rate, delay, c->info.width);
    for (int i = 0; i < OBJECT_TYPES; i++)
        options.threshold[i] = threshold[i];
    options.begin_share = pace_begin_share(&pace);
    if (tracker_create(&options, &tracker) < 0)
        die("tracking", NULL);
    *t = (struct tally){0};
    for (int i = 0; i <= c->count; i++) {
        struct track_frame out;
        if (i < c->count) {
            struct track_motion motion = c->frames[i].motion;
            struct detections found = {0};
            double rate = c->info.frame_rate;
            motion.skipped = !pace_look(&pace, &motion, i / rate, (i + 1) / rate);
            t->looks += !motion.skipped;
            if (!motion.skipped)
                copy_found(&c->frames[i].found, &found);
            if ((!motion.skipped && pace_found(&pace, &found, threshold) < 0) ||
                tracker_push(tracker, &found, &motion, NULL) < 0)
                die("tracking", NULL);
        } else if (tracker_flush(tracker) < 0) {
            die("tracking", NULL);
        }
        while (tracker_pop(tracker, &out) > 0) {
            judge(t, &c->frames[popped++].found, &out.found);
            track_frame_finish(&out);
        }
    }
    pace_finish(&pace);
    tracker_destroy(tracker);
}

static void print_line(const char *name, const char *setting, int frames, const struct tally *t)
{
    printf("%-24.24s %-8s %6d %5.1f%%", name, setting, frames, 100.0 * t->looks / frames);
    for (int low = 0; low < 2; low++)
        printf("  %6d %6d %6.2f%% %5d", t->boxes[low], t->boxes[low] - t->covered[low],
            t->boxes[low] ? 100.0 * t->covered[low] / t->boxes[low] : 100.0, t->frames_open[low]);
    printf("\n");
}

static void add(struct tally *sum, const struct tally *t)
{
    sum->looks += t->looks;
    for (int i = 0; i < 2; i++) {
        sum->boxes[i] += t->boxes[i];
        sum->covered[i] += t->covered[i];
        sum->frames_open[i] += t->frames_open[i];
    }
}

int main(int argc, char **argv)
{
    static const struct option names[] = {
        {"frames", 1, NULL, 'f'}, {"threads", 1, NULL, 't'}, {"types", 1, NULL, 'y'}, {0}};
    static const struct {
        const char *name;
        int every;
    } settings[] = {{"untracked", -1}, {"1", 1}, {"2", 2}, {"3", 3}, {"4", 4}, {"auto", 0}};
    enum { SETTINGS = sizeof settings / sizeof *settings };
    infer_process_start(argv);
    struct detector_options options = {
        .types = OBJECT_BIT(OBJECT_FACE) | OBJECT_BIT(OBJECT_LICENSE_PLATE), .threads = 2};
    struct tally sums[SETTINGS] = {0};
    struct detector *d;
    struct error err = {0};
    int most = INT32_MAX, frames = 0;
    for (int o; (o = getopt_long(argc, argv, "", names, NULL)) != -1;) {
        if (o == 'f')
            most = atoi(optarg);
        else if (o == 't')
            options.threads = atoi(optarg);
        else if (o == 'y' && !strcmp(optarg, "all"))
            options.types = OBJECT_ALL;
    }
    if (detector_create(&options, &d, &err) < 0)
        die("the detector", &err);
    printf("%-24s %-8s %6s %6s  %s\n", "video", "every", "frames", "looks",
        "at the threshold: boxes, uncovered, covered, frames with one open; the same at half of it");
    for (; optind < argc; optind++) {
        const char *name = strrchr(argv[optind], '/') ? strrchr(argv[optind], '/') + 1 : argv[optind];
        struct clip c = {0};
        read_clip(argv[optind], d, options.types, most, &c);
        for (int i = 0; i < SETTINGS; i++) {
            struct tally t;
            try_setting(&c, settings[i].every, &t);
            print_line(name, settings[i].name, c.count, &t);
            add(&sums[i], &t);
        }
        fflush(stdout);
        frames += c.count;
        for (int i = 0; i < c.count; i++)
            detections_finish(&c.frames[i].found);
        free(c.frames);
    }
    for (int i = 0; i < SETTINGS; i++)
        print_line("all", settings[i].name, frames, &sums[i]);
    detector_destroy(d);
    return 0;
}
