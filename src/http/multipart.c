/* See multipart.h.
 *
 * A part ends where CRLF "--" boundary stands. A carriage return occurs only at the delimiter's begin, so a search that
 * fails after k bytes can only begin again at the byte that failed: the k bytes held back were data. That makes the
 * state between two calls one number, `matched`.
 */
#include "http/multipart.h"
#include "http/params.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define BOUNDARY_MAX 70 /* RFC 2046 */
#define HEADER_LINE_MAX 4096
#define HEADERS_MAX 16
#define PARTS_MAX 64

enum state {
    STATE_PREAMBLE,
    STATE_DELIMITER, /* behind a delimiter: CRLF, blanks and CRLF, or "--" */
    STATE_DASH,      /* behind the first of the two dashes */
    STATE_PADDING,
    STATE_DELIMITER_LF,
    STATE_HEADER,
    STATE_HEADER_LF,
    STATE_BODY,
    STATE_EPILOGUE,
};

struct multipart {
    const struct multipart_handler *handler;
    void *opaque;
    enum state state;
    uint8_t delimiter[4 + BOUNDARY_MAX];
    size_t delimiter_len, matched;
    char line[HEADER_LINE_MAX];
    size_t line_len;
    int header_count, part_count;
    bool has_name, has_filename;
    char name[MULTIPART_NAME_SIZE], filename[MULTIPART_FILENAME_SIZE];
};

static bool boundary_valid(const char *boundary)
{
    size_t n = strlen(boundary);
    return n && n <= BOUNDARY_MAX && boundary[n - 1] != ' ' &&
           strspn(boundary, "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ'()+_,-./:=? ") == n;
}

int multipart_create(const char *content_type, const struct multipart_handler *handler, void *opaque,
    struct multipart **ret_multipart, struct error *err)
{
    struct params params;
    char type[64], name[32], value[256], boundary[256] = "";
    if (!content_type || params_begin(&params, content_type, type, sizeof type) || strcmp(type, "multipart/form-data"))
        return error_set(err, -EMEDIUMTYPE,
            "content-type: %.100s is not understood here; send multipart/form-data with a part named fileobject",
            content_type ? content_type : "(none)");
    int rc, boundaries = 0;
    while ((rc = params_next(&params, name, sizeof name, value, sizeof value)) > 0) {
        if (strcmp(name, "boundary"))
            continue;
        boundaries++;
        memcpy(boundary, value, sizeof boundary);
    }
    if (rc < 0 || boundaries != 1 || !boundary_valid(boundary))
        return error_set(err, -EINVAL,
            "content-type: multipart/form-data needs one boundary parameter of 1 to %d characters", BOUNDARY_MAX);
    struct multipart *m = calloc(1, sizeof *m);
    if (!m)
        return error_set(err, -ENOMEM, "out of memory");
    m->handler = handler;
    m->opaque = opaque;
    memcpy(m->delimiter, "\r\n--", 4);
    memcpy(m->delimiter + 4, boundary, strlen(boundary));
    m->delimiter_len = 4 + strlen(boundary);
    m->matched = 2; /* the first delimiter may stand at the very begin, as if a line had ended before it */
    *ret_multipart = m;
    return 0;
}

static int parse_disposition(struct multipart *m, const char *text, struct error *err)
{
    struct params params;
    char type[32], name[32], value[MULTIPART_FILENAME_SIZE];
    int rc = params_begin(&params, text, type, sizeof type);
    if (rc || strcmp(type, "form-data"))
        return error_set(err, -EBADMSG, "multipart body: a part's content-disposition is not form-data");
    bool extended = false;
    while ((rc = params_next(&params, name, sizeof name, value, sizeof value)) > 0) {
        if (!strcmp(name, "name")) {
            if (m->has_name || strlen(value) >= sizeof m->name)
                return error_set(err, -EBADMSG, "multipart body: a part has two names or one of over %d bytes",
                    MULTIPART_NAME_SIZE - 1);
            memcpy(m->name, value, strlen(value) + 1);
            m->has_name = true;
        } else if (!strcmp(name, "filename") && !extended) {
            memcpy(m->filename, value, sizeof value);
            m->has_filename = true;
        } else if (!strcmp(name, "filename*") && !params_decode_extended(value, m->filename, sizeof m->filename)) {
            m->has_filename = extended = true;
        }
    }
    if (rc < 0)
        return error_set(err, -EBADMSG, "multipart body: malformed content-disposition");
    return 0;
}

/* One header line, without its end. Only what decides about the part is read. */
static int parse_header(struct multipart *m, struct error *err)
{
    m->line[m->line_len] = 0;
    char *colon = strchr(m->line, ':');
    if (memchr(m->line, 0, m->line_len) || !colon || colon == m->line || m->line[0] == ' ' || m->line[0] == '\t')
        return error_set(err, -EBADMSG, "multipart body: malformed part header");
    if (++m->header_count > HEADERS_MAX)
        return error_set(err, -EBADMSG, "multipart body: over %d headers in a part", HEADERS_MAX);
    *colon = 0;
    const char *value = colon + 1 + strspn(colon + 1, " \t");
    if (!strcasecmp(m->line, "content-disposition"))
        return parse_disposition(m, value, err);
    if (!strcasecmp(m->line, "content-transfer-encoding") && strcasecmp(value, "binary") && strcasecmp(value, "8bit") &&
        strcasecmp(value, "7bit"))
        return error_set(err, -EBADMSG,
            "multipart body: content-transfer-encoding %.50s is not supported; send the bytes as they are", value);
    return 0;
}

static int begin_part(struct multipart *m, struct error *err)
{
    if (!m->has_name)
        return error_set(err, -EBADMSG, "multipart body: a part has no content-disposition with a name");
    if (++m->part_count > PARTS_MAX)
        return error_set(err, -EBADMSG, "multipart body: over %d parts", PARTS_MAX);
    const struct multipart_part part = {m->name, m->has_filename ? m->filename : NULL};
    return m->handler->begin(m->opaque, &part, err);
}

/* A header line is complete. */
static int end_line(struct multipart *m, struct error *err)
{
    int rc;
    if (m->line_len) {
        rc = parse_header(m, err);
        m->state = STATE_HEADER;
    } else {
        rc = begin_part(m, err);
        m->state = STATE_BODY;
    }
    m->line_len = 0;
    return rc;
}

/* One byte outside of bodies. */
static int feed_byte(struct multipart *m, char c, struct error *err)
{
    switch (m->state) {
    case STATE_DELIMITER:
    case STATE_PADDING:
        if (c == '\r')
            m->state = STATE_DELIMITER_LF;
        else if (c == ' ' || c == '\t')
            m->state = STATE_PADDING;
        else if (c == '-' && m->state == STATE_DELIMITER)
            m->state = STATE_DASH;
        else
            break;
        return 0;
    case STATE_DASH:
        if (c != '-')
            break;
        m->state = STATE_EPILOGUE;
        return 0;
    case STATE_DELIMITER_LF:
        if (c != '\n')
            break;
        m->state = STATE_HEADER;
        m->line_len = 0;
        m->header_count = 0;
        m->has_name = m->has_filename = false;
        return 0;
    case STATE_HEADER:
        if (c == '\r')
            m->state = STATE_HEADER_LF;
        else if (c == '\n' || m->line_len + 1 >= sizeof m->line)
            return error_set(
                err, -EBADMSG, "multipart body: malformed part header, or one of over %d bytes", HEADER_LINE_MAX);
        else
            m->line[m->line_len++] = c;
        return 0;
    case STATE_HEADER_LF:
        if (c != '\n')
            return error_set(err, -EBADMSG, "multipart body: malformed part header");
        return end_line(m, err);
    default:
        break;
    }
    return error_set(err, -EBADMSG, "multipart body: malformed boundary line");
}

static int emit(struct multipart *m, const uint8_t *data, size_t len, struct error *err)
{
    if (!len || m->state == STATE_PREAMBLE)
        return 0;
    return m->handler->data(m->opaque, data, len, err);
}

/* Passes on data up to the next delimiter. Returns 1 where it was found (behind it is *at), 0 where the bytes are used
 * up, or a negative code. */
static int scan(struct multipart *m, const uint8_t **at, const uint8_t *end, struct error *err)
{
    int rc = 0;
    while (!rc && *at < end) {
        if (!m->matched) {
            const uint8_t *cr = memchr(*at, '\r', (size_t)(end - *at));
            const uint8_t *from = *at;
            *at = cr ? cr : end;
            rc = emit(m, from, (size_t)(*at - from), err);
            if (rc)
                break;
        }
        while (*at < end && m->matched < m->delimiter_len && **at == m->delimiter[m->matched]) {
            (*at)++;
            m->matched++;
        }
        if (m->matched == m->delimiter_len) {
            m->matched = 0;
            return 1;
        }
        if (*at < end) {
            size_t held = m->matched;
            m->matched = 0;
            rc = emit(m, m->delimiter, held, err);
        }
    }
    return rc;
}

int multipart_feed(struct multipart *m, const uint8_t *data, size_t len, struct error *err)
{
    const uint8_t *at = data, *end = data + len;
    int rc = 0;
    while (rc >= 0 && at < end && m->state != STATE_EPILOGUE) {
        if (m->state != STATE_PREAMBLE && m->state != STATE_BODY) {
            rc = feed_byte(m, (char)*at++, err);
            continue;
        }
        rc = scan(m, &at, end, err);
        if (rc <= 0)
            continue;
        rc = m->state == STATE_BODY ? m->handler->end(m->opaque, err) : 0;
        m->state = STATE_DELIMITER;
    }
    return rc < 0 ? rc : 0;
}

int multipart_finish(struct multipart *m, struct error *err)
{
    if (m->state == STATE_EPILOGUE)
        return 0;
    return error_set(err, -EBADMSG,
        m->state == STATE_PREAMBLE ? "multipart body: the boundary of the content-type header does not occur in it"
                                   : "multipart body: it ends before its closing boundary");
}

void multipart_destroy(struct multipart *m)
{
    free(m);
}
