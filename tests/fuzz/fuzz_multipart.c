/* Any bytes as a multipart body: the outcome must not depend on where the network cut them, and an error has a reason.
 * The first byte says where. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "http/multipart.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static int on_begin(void *opaque, const struct multipart_part *part, struct error *err)
{
    return buffer_printf(opaque, "[%s|%s]", part->name, part->filename ? part->filename : "-");
}

static int on_data(void *opaque, const uint8_t *data, size_t len, struct error *err)
{
    return len ? buffer_append(opaque, data, len) : -1;
}

static int on_end(void *opaque, struct error *err)
{
    return buffer_printf(opaque, ";");
}

static const struct multipart_handler recorder = {on_begin, on_data, on_end};

static int parse(const uint8_t *data, size_t len, size_t piece, struct buffer *seen)
{
    struct multipart *m;
    struct error err = {0};
    int rc = multipart_create("multipart/form-data; boundary=b", &recorder, seen, &m, &err);
    for (size_t at = 0; !rc && at < len; at += piece)
        rc = multipart_feed(m, data + at, len - at < piece ? len - at : piece, &err);
    if (!rc)
        rc = multipart_finish(m, &err);
    multipart_destroy(m);
    if (rc && !err.text[0])
        abort();
    return rc;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    if (!len)
        return 0;
    struct buffer whole = BUFFER_INIT((size_t)1 << 20), cut = BUFFER_INIT((size_t)1 << 20);
    int rc = parse(data + 1, len - 1, len, &whole);
    if (parse(data + 1, len - 1, (size_t)data[0] % 40 + 1, &cut) != rc)
        abort();
    if (!rc && (whole.len != cut.len || (whole.len && memcmp(whole.data, cut.data, whole.len))))
        abort();
    buffer_finish(&whole);
    buffer_finish(&cut);
    return 0;
}
