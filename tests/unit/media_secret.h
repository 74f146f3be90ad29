/* A recognisable picture that must not get through, in the forms in which files hide pictures, and a search for it. */
#ifndef OBSCURA_TESTS_MEDIA_SECRET_H
#define OBSCURA_TESTS_MEDIA_SECRET_H

#include <stdbool.h>

#include "base/buffer.h"

struct secret {
    struct buffer jpeg, png; /* the picture as files */
    struct buffer raw;       /* its RGB samples */
    struct buffer base64;    /* of jpeg, in lines of 76 characters */
    struct buffer hex;       /* of jpeg, in lines of 72 characters, as ImageMagick writes them */
};

void secret_create(struct secret *s);
void secret_destroy(struct secret *s);

/* The first trace of the secret in a file: its bytes in any of the forms (also in a PNG's packed chunks), or any
 * picture inside the file whose header can be read. NULL where there is none. */
const char *secret_find(const struct secret *s, const uint8_t *file, size_t len);

/* Building blocks of metadata. Failures abort. */
void put_bytes(struct buffer *b, const void *data, size_t len);
void put_text(struct buffer *b, const char *text);
void put_resource(struct buffer *out, unsigned id, const void *data, size_t len); /* a Photoshop image resource */
void put_dataset(struct buffer *out, unsigned record, unsigned dataset, const void *data, size_t len); /* of IPTC-IIM */

/* Around the attributes and properties of an rdf:Description; the tag's `>` is the property's to write. */
#define XMP_HEAD                                                                                                       \
    "<?xpacket begin='' id='W5M0MpCehiHzreSzNTczkc9d'?><x:xmpmeta xmlns:x='adobe:ns:meta/'>"                           \
    "<rdf:RDF xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#'><rdf:Description rdf:about=''"
#define XMP_TAIL "</rdf:Description></rdf:RDF></x:xmpmeta><?xpacket end='w'?>"

/* A TIFF structure under construction, as EXIF uses it; little endian. */
struct tiff_entry {
    unsigned tag, type; /* type as in the standard: 1 BYTE, 2 ASCII, 3 SHORT, 4 LONG, 5 RATIONAL, 7 UNDEFINED */
    uint32_t count;
    const void *data; /* NULL: `number` */
    uint32_t number;
};

/* Appends an IFD and its values; entries of a number only. Returns its place in `out`. */
uint32_t tiff_put_ifd(struct buffer *out, const struct tiff_entry *entries, int count, uint32_t next);
void tiff_begin(struct buffer *out);
void tiff_end(struct buffer *out, uint32_t ifd0);

#endif
