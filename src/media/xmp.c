/* Copies an XMP packet without what may hold pictures: see metadata.h for what, xmp_policy.c for the names.
 *
 * XMP is XML with RDF in it, but for leaving things out it is enough to see elements, attributes and texts. This is a
 * strict reader of that part of XML: it wants every element closed in order, knows no DTD, no CDATA, no comments inside
 * elements, and gives up the packet where something else comes. An element that must go takes all it holds with it; a
 * text or attribute that looks like encoded bytes goes alone. */
#include "media/metadata.h"

#include <string.h>

#include "media/xmp_policy.h"

#define MAX_DEPTH 64
#define MAX_XMP ((size_t)1 << 20) /* bytes */
#define MAX_VALUE 8192            /* bytes of one text or attribute */

struct copier {
    const uint8_t *p, *end;
    struct buffer *out;
    struct xmp_prefixes prefixes;
    struct xmp_span open[MAX_DEPTH]; /* names of the elements that are open */
    int depth;
    int dropped; /* depth of the element that is being dropped; 0: none */
    int width, height;
    int code; /* of the first failure to append */
};

struct attribute {
    struct xmp_span name, value;
    uint8_t quote;
};

static void put(struct copier *c, const void *data, size_t len)
{
    if (c->code == 0 && !c->dropped)
        c->code = buffer_append(c->out, data, len);
}

static void put_number(struct copier *c, int number)
{
    if (c->code == 0 && !c->dropped)
        c->code = buffer_printf(c->out, "%d", number);
}

static bool is_blank(uint8_t b)
{
    return b == ' ' || b == '\t' || b == '\n' || b == '\r';
}

static bool in_name(uint8_t b)
{
    return (b >= '0' && b <= '9') || ((b | 32) >= 'a' && (b | 32) <= 'z') || b == ':' || b == '_' || b == '-' ||
           b == '.' || b >= 0x80;
}

static struct xmp_span read_name(struct copier *c)
{
    struct xmp_span s = {c->p, 0};
    while (c->p < c->end && in_name(*c->p))
        c->p++;
    s.len = (size_t)(c->p - s.at);
    return s;
}

static void skip_blanks(struct copier *c)
{
    while (c->p < c->end && is_blank(*c->p))
        c->p++;
}

/* 1: read one; 0: there is none; -1: not well-formed. */
static int read_attribute(struct copier *c, struct attribute *a)
{
    skip_blanks(c);
    if (c->p < c->end && (*c->p == '>' || *c->p == '/'))
        return 0;
    a->name = read_name(c);
    skip_blanks(c);
    if (a->name.len == 0 || c->p == c->end || *c->p++ != '=')
        return -1;
    skip_blanks(c);
    if (c->p == c->end || (*c->p != '"' && *c->p != '\''))
        return -1;
    a->quote = *c->p++;
    const uint8_t *close = memchr(c->p, a->quote, (size_t)(c->end - c->p));
    if (!close || memchr(c->p, '<', (size_t)(close - c->p)))
        return -1;
    a->value = (struct xmp_span){c->p, (size_t)(close - c->p)};
    c->p = close + 1;
    return 1;
}

static bool value_may_stay(struct xmp_span v)
{
    return v.len <= MAX_VALUE && !blob_is_encoded(v.at, v.len) && !blob_has_picture(v.at, v.len);
}

static void put_attribute(struct copier *c, const struct attribute *a)
{
    struct xmp_name name = xmp_name_split(a->name);
    int number;
    if (!xmp_span_equal(name.prefix, "xmlns") && xmp_name_denied(&c->prefixes, name))
        return;
    if (!value_may_stay(a->value))
        return;
    put(c, " ", 1);
    put(c, a->name.at, a->name.len);
    put(c, "=", 1);
    put(c, &a->quote, 1);
    if (xmp_name_number(name, c->width, c->height, &number))
        put_number(c, number);
    else
        put(c, a->value.at, a->value.len);
    put(c, &a->quote, 1);
}

/* Behind "<". */
static bool copy_start(struct copier *c)
{
    struct xmp_span name = read_name(c);
    if (name.len == 0 || c->depth == MAX_DEPTH)
        return false;
    c->open[c->depth++] = name;
    if (!c->dropped && xmp_name_denied(&c->prefixes, xmp_name_split(name)))
        c->dropped = c->depth;
    put(c, "<", 1);
    put(c, name.at, name.len);
    struct attribute a;
    int r;
    while ((r = read_attribute(c, &a)) == 1)
        put_attribute(c, &a);
    if (r < 0)
        return false;
    bool empty = *c->p == '/';
    c->p += empty;
    if (c->p == c->end || *c->p++ != '>')
        return false;
    put(c, empty ? "/>" : ">", empty ? 2 : 1);
    if (empty) {
        if (c->dropped == c->depth)
            c->dropped = 0;
        c->depth--;
    }
    return true;
}

/* Behind "</". */
static bool copy_end(struct copier *c)
{
    struct xmp_span name = read_name(c);
    skip_blanks(c);
    if (c->p == c->end || *c->p++ != '>' || c->depth == 0)
        return false;
    struct xmp_span open = c->open[c->depth - 1];
    if (name.len != open.len || memcmp(name.at, open.at, name.len) != 0)
        return false;
    put(c, "</", 2);
    put(c, name.at, name.len);
    put(c, ">", 1);
    if (c->dropped == c->depth)
        c->dropped = 0;
    c->depth--;
    return true;
}

static void copy_text(struct copier *c)
{
    const uint8_t *stop = memchr(c->p, '<', (size_t)(c->end - c->p));
    struct xmp_span text = {c->p, (size_t)((stop ? stop : c->end) - c->p)};
    c->p += text.len;
    size_t blanks = 0;
    while (blanks < text.len && is_blank(text.at[blanks]))
        blanks++;
    if (blanks == text.len && c->depth > 0)
        put(c, "\n", 1); /* indentation */
    if (blanks == text.len || c->depth == 0)
        return; /* outside of elements there is only padding */
    int number;
    if (xmp_name_number(xmp_name_split(c->open[c->depth - 1]), c->width, c->height, &number))
        put_number(c, number);
    else if (value_may_stay(text))
        put(c, text.at, text.len);
}

/* Moves behind `mark`; false where there is none. */
static bool skip_past(struct copier *c, const char *mark)
{
    const uint8_t *at = memmem(c->p, (size_t)(c->end - c->p), mark, strlen(mark));
    if (at)
        c->p = at + strlen(mark);
    return at;
}

static bool next_is(const struct copier *c, const char *what)
{
    size_t n = strlen(what);
    return (size_t)(c->end - c->p) >= n && memcmp(c->p, what, n) == 0;
}

/* Finds the prefixes of pictures' namespaces before anything is copied: they may be bound behind their use. */
static bool note_prefixes(struct copier *c)
{
    const uint8_t *start = c->p;
    bool ok = true;
    while (ok && skip_past(c, "xmlns")) {
        struct copier look = *c;
        struct attribute a;
        look.p = c->p - strlen("xmlns");
        if (read_attribute(&look, &a) == 1)
            ok = xmp_prefixes_note(&c->prefixes, xmp_name_split(a.name), a.value);
    }
    c->p = start;
    return ok;
}

static bool copy_packet(struct copier *c)
{
    static const char head[] = "<?xpacket begin=\"\xef\xbb\xbf\" id=\"W5M0MpCehiHzreSzNTczkc9d\"?>\n";
    static const char tail[] = "\n<?xpacket end=\"w\"?>";
    bool any = false;
    put(c, head, sizeof head - 1);
    while (c->p < c->end) {
        bool ok = true;
        if (*c->p != '<') {
            copy_text(c);
        } else if (next_is(c, "<?")) {
            ok = c->depth == 0 && skip_past(c, "?>"); /* inside they could break what is encoded into short texts */
        } else if (next_is(c, "<!--")) {
            ok = c->depth == 0 && skip_past(c, "-->");
        } else if (next_is(c, "</")) {
            c->p += 2;
            ok = copy_end(c);
        } else {
            c->p++;
            ok = any = copy_start(c);
        }
        if (!ok || c->code < 0)
            return false;
    }
    put(c, tail, sizeof tail - 1);
    return any && c->depth == 0;
}

int xmp_clean(const uint8_t *xmp, size_t len, int width, int height, struct buffer *out)
{
    struct copier c = {.p = xmp, .end = xmp + len, .out = out, .width = width, .height = height};
    if (len == 0 || len > MAX_XMP)
        return 0;
    const uint8_t *nul = memchr(xmp, 0, len); /* some writers count one behind the packet */
    if (nul)
        c.end = nul;
    if (c.end - c.p >= 3 && memcmp(xmp, "\xef\xbb\xbf", 3) == 0)
        c.p += 3;
    if (!note_prefixes(&c) || !copy_packet(&c))
        out->len = 0;
    return c.code == -ENOMEM ? -ENOMEM : 0;
}
