/* THE option table. Whoever adds an option adds one row here and a member in config.h or base/request.h; command line,
 * environment, file, --help, man page and query parameters follow. */
#include "config_table.h"

#include "base/text.h"

#include <stdint.h>
#include <string.h>

#define SERVER(member) SCOPE_SERVER, offsetof(struct config, member)
#define REQUEST(member) SCOPE_REQUEST, offsetof(struct request_options, member)
#define QUERY(member) SCOPE_QUERY, offsetof(struct request_options, member)
#define RANGE(low, high) .min = (low), .max = (high)
#define THRESHOLD(type) REQUEST(threshold[type]), RANGE(0, 1)
#define GRADIENT(member, type) REQUEST(member[type]), RANGE(0, 1)
#define KERNEL(type) REQUEST(kernel_size[type]), RANGE(0.01, 10000)

#define LOWER_IN_VIDEOS                                                                                                \
    "In videos, tracks may begin at 0.8 of it, and an object that is being followed is held down to half of it."

/* clang-format off: one option a row */
const struct option option_table[] = {
    /* --- serving --- */
    {"api", 0, OPTION_BOOL, SERVER(api), .preset = "true",
        .help = "Serve the REST API. Accepted for the reference's start line; it is what the program does."},
    {"host", 0, OPTION_TEXT, SERVER(host), .preset = "127.0.0.1", .argument = "ADDRESS",
        .help = "Address to listen on; 0.0.0.0 or :: for every interface (then name the address that clients use with "
                "--api-endpoint)."},
    {"port", 0, OPTION_INT, SERVER(port), RANGE(0, 65535), .preset = "7000",
        .help = "TCP port to listen on; 0 takes any free one."},
    {"api-endpoint", 0, OPTION_TEXT, SERVER(api_endpoint), .argument = "URL",
        .help =
            "Base of the URLs that responses return. Default: http://HOST:PORT; where HOST means every interface, the "
            "address that the request asked for."},
    {"config", 0, OPTION_TEXT, SERVER(config_file), .argument = "FILE",
        .help = "Configuration file: lines `name = value` with the names of these options."},
    {"log-level", 0, OPTION_CHOICE, SERVER(log_level), .choices = "error|warn|info|debug", .preset = "info",
        .help = "How much is logged to standard error."},
    /* --- storage --- */
    {"input", 0, OPTION_TEXT, SERVER(input), .preset = "data/input", .argument = "DIR", .help = "Folder for uploads."},
    {"output", 0, OPTION_TEXT, SERVER(output), .preset = "data/output", .argument = "DIR",
        .help = "Folder for results."},
    {"database", 0, OPTION_TEXT, SERVER(database), .preset = "data/tasks.db", .argument = "URL",
        .help = "Task store: a path or sqlite:PATH, or postgresql://..."},
    {"retention", 0, OPTION_DURATION, SERVER(retention_s), RANGE(0, 3153600000), .preset = "0",
        .help = "Ended tasks and their files are deleted after this long; 0 keeps them."},
    {"delete-originals", 0, OPTION_BOOL, SERVER(delete_originals), .preset = "false",
        .help = "Delete each upload as soon as its task has ended."},
    {"disk-reserve", 0, OPTION_SIZE, SERVER(disk_reserve), RANGE(0, 1e15), .preset = "512M",
        .help = "Uploads are refused (507) when less than this would stay free on disk."},
    /* --- limits --- */
    {"max-upload", 0, OPTION_SIZE, SERVER(max_upload), RANGE(1024, 1e13), .preset = "4G",
        .help = "Largest upload (413 above it)."},
    {"max-pixels", 0, OPTION_SIZE, SERVER(max_pixels), RANGE(1, 1e9), .preset = "300M",
        .help = "Largest image, width x height."},
    {"max-side", 0, OPTION_INT, SERVER(max_side), RANGE(16, 65535), .preset = "28000",
        .help = "Longest side of an image or video, px."},
    {"max-memory", 0, OPTION_SIZE, SERVER(max_memory), RANGE(1e6, 1e12), .preset = "2G",
        .help = "Most memory the decoded samples of an image may take."},
    {"max-queue", 0, OPTION_INT, SERVER(max_queue), RANGE(0, 1e9), .preset = "10000",
        .help = "Most queued tasks (503 above it); 0 for no limit."},
    {"max-connections", 0, OPTION_INT, SERVER(max_connections), RANGE(4, 60000), .preset = "512",
        .help = "Most connections at a time."},
    {"max-connections-per-client", 0, OPTION_INT, SERVER(max_connections_per_client), RANGE(0, 60000), .preset = "128",
        .help = "The same for one client address; 0 for no limit."},
    {"task-memory", 0, OPTION_SIZE, SERVER(task_memory), RANGE(0, 1e13), .preset = "8G",
        .help = "Address space of the process that works on a task; 0 for no limit."},
    {"task-time", 0, OPTION_DURATION, SERVER(task_time_s), RANGE(0, 1e9), .preset = "24h",
        .help = "Processor time a task may take; 0 for no limit."},
    {"task-stall", 0, OPTION_DURATION, SERVER(task_stall_s), RANGE(0, 1e9), .preset = "15m",
        .help = "A task that makes no progress for this long is given up; 0 for no limit."},
    {"drain-timeout", 0, OPTION_DURATION, SERVER(drain_timeout_s), RANGE(0, 86400), .preset = "30",
        .help = "On SIGTERM, running tasks get this long before they go back to the queue."},
    /* --- work --- */
    {"anonymize", 'a', OPTION_TYPES, SERVER(types), .preset = "face,license-plate,person,vehicle",
        .help = "Types of objects to load and, where a request names none, to anonymize. Repeatable."},
    {"workers", 0, OPTION_INT, SERVER(workers), RANGE(0, 256), .preset = "0",
        .help = "Worker processes; 0 chooses from the cores."},
    {"threads", 0, OPTION_INT, SERVER(threads), RANGE(0, 256), .preset = "0",
        .help = "Threads of each worker; 0 chooses from the cores."},
    {"models", 0, OPTION_TEXT, SERVER(models), .argument = "DIR",
        .help = "Folder with identity.onnx and scene.onnx in place of the embedded ones."},
    {"model", 0, OPTION_CHOICE, SERVER(model), .choices = "all|object-detection-v2", .preset = "all",
        .help = "object-detection-v2 (older start lines): faces and license plates only."},
    {"precision", 0, OPTION_CHOICE, SERVER(precision), .choices = "auto|f32|bf16|int8", .preset = "auto",
        .help = "Arithmetic of the networks; auto takes the fastest that stays accurate on this processor."},
    {"detect-size", 0, OPTION_INT, SERVER(detect_size), RANGE(0, 8192), .preset = "0",
        .help = "Long side at which faces and plates are looked for, px; 0 for the default."},
    {"detect-every", 0, OPTION_CHOICE, SERVER(detect_every), .choices = "auto|1|2|3|4", .preset = "auto",
        .help =
            "Frames of a video from one that is inspected to the next; tracks cover those between. auto inspects at "
            "least ten a second, and every frame where much changes; 1 inspects all."},
    {"strip-metadata", 0, OPTION_BOOL, SERVER(strip_metadata), .preset = "false",
        .help = "Drop EXIF, GPS, XMP and the like from results (colour profiles stay)."},
    {"instance-mask-colors", 0, OPTION_CHOICE, SERVER(instance_mask_colors), .choices = "current|legacy|legacy-r",
        .preset = "current", .help = "Colour scheme of instance masks."},
    {"keep-data-streams", 0, OPTION_BOOL, SERVER(keep_data_streams), .preset = "false",
        .help = "Keep telemetry streams of videos, and tags and flight logs that say where they were taken."},
    {"video-codec", 0, OPTION_CHOICE, SERVER(video_codec), .choices = "auto|h264|hevc|vp9|av1", .preset = "auto",
        .help = "Codec of anonymized videos; auto keeps the source's where it can be encoded, else H.264."},
    {"video-preset", 0, OPTION_TEXT, SERVER(video_preset), .argument = "NAME",
        .help = "Speed preset of the video encoder (ultrafast ... veryslow). Default: the encoder's own choice here."},
    {"sandbox", 0, OPTION_CHOICE, SERVER(sandbox), .choices = "auto|required|off", .preset = "auto",
        .help = "Sandbox of the processes that decode uploads; required refuses to start where the kernel lacks a part "
                "of it."},
    {"user", 0, OPTION_TEXT, SERVER(user), .argument = "NAME", .help = "Account to run as when started as root."},
    /* --- webhooks --- */
    {"webhook-secret", 0, OPTION_TEXT, SERVER(webhook_secret), .argument = "SECRET",
        .help = "Sign webhooks by the Standard Webhooks convention (whsec_...); several, separated by spaces, while "
                "receivers change over from one to another."},
    {"webhook-allow-private", 0, OPTION_BOOL, SERVER(webhook_allow_private), .preset = "false",
        .help = "Allow webhooks to loopback, link-local and private addresses; without it, an upload that names one is "
                "refused."},
    /* --- what an upload may set, and the server's defaults for it --- */
    {"method", 'm', OPTION_CHOICE, REQUEST(method), .choices = "blur|pixelate|blacken|detect", .preset = "blur",
        .help = "What happens to detected objects."},
    {"debug", 0, OPTION_BOOL, REQUEST(debug), .preset = "false",
        .help = "Draw boxes and mask outlines with the type's name."},
    {"score", 0, OPTION_BOOL, REQUEST(score), .preset = "false", .help = "With debug: draw the score as well."},
    {"face", 0, OPTION_TYPE_BIT, QUERY(types), .index = OBJECT_FACE, .help = "Anonymize faces."},
    {"license-plate", 0, OPTION_TYPE_BIT, QUERY(types), .index = OBJECT_LICENSE_PLATE,
        .help = "Anonymize license plates."},
    {"person", 0, OPTION_TYPE_BIT, QUERY(types), .index = OBJECT_PERSON, .help = "Anonymize persons."},
    {"vehicle", 0, OPTION_TYPE_BIT, QUERY(types), .index = OBJECT_VEHICLE, .help = "Anonymize vehicles."},
    {"bbox", 0, OPTION_BOOL, REQUEST(bbox), .preset = "false", .help = "Redact boxes instead of segmentation masks."},
    {"format", 0, OPTION_FORMAT, REQUEST(format), .preset = "whole",
        .help = "Tiling: whole, {\"number\":[columns,rows],\"overlap\":[x,y]}, or pano:WIDTH."},
    {"ignores", 0, OPTION_IGNORES, REQUEST(ignores),
        .help = "JSON list of areas that stay visible: {\"topLeftX\",\"topLeftY\",\"width\",\"height\"} in px."},
    {"face-threshold", 0, OPTION_REAL, THRESHOLD(OBJECT_FACE), .preset = "0.5",
        .help = "Detection threshold for faces. " LOWER_IN_VIDEOS},
    {"license-plate-threshold", 0, OPTION_REAL, THRESHOLD(OBJECT_LICENSE_PLATE), .preset = "0.5",
        .help = "Detection threshold for license plates. " LOWER_IN_VIDEOS},
    {"person-threshold", 0, OPTION_REAL, THRESHOLD(OBJECT_PERSON), .preset = "0.4",
        .help = "Detection threshold for persons. " LOWER_IN_VIDEOS},
    {"vehicle-threshold", 0, OPTION_REAL, THRESHOLD(OBJECT_VEHICLE), .preset = "0.4",
        .help = "Detection threshold for vehicles. " LOWER_IN_VIDEOS},
    {"face-anonymization-gradient-start", 0, OPTION_REAL, GRADIENT(gradient_start, OBJECT_FACE), .preset = "0.3",
        .help = "Redaction of faces begins at the box enlarged by this share."},
    {"face-anonymization-gradient-stop", 0, OPTION_REAL, GRADIENT(gradient_stop, OBJECT_FACE), .preset = "0",
        .help = "Redaction of faces is full inside the box shrunk by this share."},
    {"license-plate-anonymization-gradient-start", 0, OPTION_REAL, GRADIENT(gradient_start, OBJECT_LICENSE_PLATE),
        .preset = "0.3", .help = "The same for license plates."},
    {"license-plate-anonymization-gradient-stop", 0, OPTION_REAL, GRADIENT(gradient_stop, OBJECT_LICENSE_PLATE),
        .preset = "0", .help = "The same for license plates."},
    {"kernel-size-face", 0, OPTION_REAL, KERNEL(OBJECT_FACE), .preset = "0.35",
        .help = "Blur kernel: a share of the object's size up to 1, px above."},
    {"kernel-size-license-plate", 0, OPTION_REAL, KERNEL(OBJECT_LICENSE_PLATE), .preset = "0.5",
        .help = "The same for license plates."},
    {"kernel-size-person", 0, OPTION_REAL, KERNEL(OBJECT_PERSON), .preset = "91", .help = "The same for persons."},
    {"kernel-size-vehicle", 0, OPTION_REAL, KERNEL(OBJECT_VEHICLE), .preset = "61", .help = "The same for vehicles."},
    {"no-object-tracking", 0, OPTION_BOOL, REQUEST(no_object_tracking), .preset = "false",
        .help = "Videos: treat each frame for itself."},
    {"keep-bit-rate", 0, OPTION_BOOL, REQUEST(keep_bit_rate), .preset = "false",
        .help = "Videos: keep bit rate and file size close to the original's."},
    {"save-mask", 0, OPTION_SAVE_MASK, REQUEST(save_binary), .preset = "all",
        .help = "Masks that can be downloaded: all, binary, instance, none; KIND:SCALE stores it scaled (percent). "
                "Repeatable."},
    {"mask-scale", 0, OPTION_REAL, REQUEST(mask_scale), RANGE(0, 100), .above_min = true, .preset = "100",
        .help = "Default scale of downloaded masks, percent."},
    {"quality", 0, OPTION_REQUEST_INT, REQUEST(quality), RANGE(1, 100), .preset = "90",
        .help = "Default JPEG quality. At 90, what is not redacted keeps the upload's own coding, bit for bit."},
    {"compress-level", 0, OPTION_REQUEST_INT, REQUEST(compress_level), RANGE(0, 9), .preset = "5",
        .help = "Default PNG compression level."},
};
/* clang-format on */

const size_t option_count = sizeof option_table / sizeof *option_table;

const struct option *option_find(const char *name, unsigned scopes)
{
    for (size_t i = 0; i < option_count; i++)
        if (option_table[i].scope & scopes && text_name_equal(option_table[i].name, name))
            return &option_table[i];
    return NULL;
}

const char *option_suggest(const char *name, unsigned scopes)
{
    const char *best = NULL;
    size_t nearest = 4; /* edits; further than three is another word */
    for (size_t i = 0; i < option_count; i++) {
        if (!(option_table[i].scope & scopes))
            continue;
        size_t distance = text_distance(name, option_table[i].name);
        if (distance < nearest && distance * 2 < strlen(option_table[i].name)) {
            nearest = distance;
            best = option_table[i].name;
        }
    }
    return best;
}
