/* Tells texts from encoded bytes: the last line of defence for pictures that hide in places nobody listed. */
#include "media/metadata.h"

#include <ctype.h>
#include <string.h>

#define LONG_RUN 40   /* base64 characters in a row that no word or identifier has */
#define MAX_RUNS 200  /* of such characters in one text: about 150 bytes, less than any picture */
#define MAX_TOKEN 512 /* characters without a blank, whatever they are */

bool blob_has_picture(const uint8_t *data, size_t len)
{
    static const struct {
        const char *bytes;
        size_t len;
    } signatures[] = {
        {"\xff\xd8\xff", 3},     /* JPEG */
        {"\x89PNG\r\n", 6},      /* PNG */
        {"GIF87a", 6},           /* GIF */
        {"GIF89a", 6},           /* GIF */
        {"WEBPVP8", 7},          /* WebP */
        {"ftyp", 4},             /* HEIF, AVIF, MP4 */
        {"\xff\x4f\xff\x51", 4}, /* JPEG 2000 code stream */
        {"\x0cJXL ", 5},         /* JPEG XL */
    };
    for (size_t s = 0; s < sizeof signatures / sizeof signatures[0]; s++)
        if (memmem(data, len, signatures[s].bytes, signatures[s].len))
            return true;
    return false;
}

static bool in_base64(int c)
{
    return isalnum(c) || c == '+' || c == '/' || c == '=' || c == '-' || c == '_';
}

bool blob_is_encoded(const uint8_t *text, size_t len)
{
    size_t run = 0, runs = 0, token = 0;
    for (size_t i = 0; i < len; i++) {
        int c = text[i];
        if (c == 0)
            continue;
        if (c < 0x20 && !isspace(c))
            return true;
        token = isspace(c) ? 0 : token + 1;
        run = c < 0x80 && in_base64(c) ? run + 1 : 0;
        if (run == LONG_RUN)
            runs += LONG_RUN;
        else if (run > LONG_RUN)
            runs++;
        if (runs > MAX_RUNS || token > MAX_TOKEN)
            return true;
    }
    return false;
}
