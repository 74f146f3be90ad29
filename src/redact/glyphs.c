/* See glyphs.h. */
#include "redact/glyphs.h"

#include <math.h>
#include <string.h>

#define ADVANCE 2     /* units between letters */
#define SPACE_WIDTH 2 /* units */

/* Two digits are a point (x, y); points in a row are a line; a space lifts the pen; a point twice is a dot. */
static const struct {
    char character;
    const char *strokes;
} alphabet[] = {
    {'a', "03334447 451506173746"},
    {'c', "4433130406173746"},
    {'e', "05454433130406173746"},
    {'f', "41312227 1343"},
    {'h', "0107 0413334447"},
    {'i', "0307 0101"},
    {'l', "010617"},
    {'n', "0307 0413334447"},
    {'o', "133344463717060413"},
    {'p', "0309 0413334446371706"},
    {'r', "0307 04132333"},
    {'s', "44331304153546371706"},
    {'t', "11162737 0333"},
    {'v', "032743"},
    {'0', "113142463717060211"},
    {'1', "021117 0727"},
    {'2', "02113142430747"},
    {'3', "0211314243344546371706 1434"},
    {'4', "310545 3137"},
    {'5', "410104344546371706"},
    {'6', "423111020617374645341405"},
    {'7', "014117"},
    {'8', "113142433414030211 3445463717060514"},
    {'9', "061737464231110203143443"},
    {'-', "0535"},
    {'.', "0707"},
    {'#', "1117 3137 0343 0545"},
    {'%', "4107 0111120201 3646473736"},
};

static const char *find(char c)
{
    for (size_t i = 0; i < sizeof alphabet / sizeof *alphabet; i++) {
        if (alphabet[i].character == c)
            return alphabet[i].strokes;
    }
    return NULL;
}

static int width_of(const char *strokes)
{
    int width = 0;
    if (!strokes)
        return SPACE_WIDTH;
    for (const char *s = strokes; *s; s += s[0] == ' ' ? 1 : 2) {
        if (*s != ' ' && *s - '0' > width)
            width = *s - '0';
    }
    return width;
}

int glyphs_width(const char *text)
{
    int width = 0;
    for (const char *c = text; *c; c++)
        width += width_of(find(*c)) + (c[1] ? ADVANCE : 0);
    return width;
}

/* A line from (ax, ay) to (bx, by) with round ends. */
static void draw_line(struct region *region, double ax, double ay, double bx, double by, double radius)
{
    const struct rect *r = &region->rect;
    double reach = radius + 1, dx = bx - ax, dy = by - ay, square = dx * dx + dy * dy;
    int x0 = (int)fmax(floor(fmin(ax, bx) - reach), r->x0), x1 = (int)fmin(ceil(fmax(ax, bx) + reach), r->x1);
    int y0 = (int)fmax(floor(fmin(ay, by) - reach), r->y0), y1 = (int)fmin(ceil(fmax(ay, by) + reach), r->y1);
    for (int y = y0; y < y1; y++) {
        uint8_t *row = region->alpha + (size_t)(y - r->y0) * (size_t)rect_width(r);
        for (int x = x0; x < x1; x++) {
            double px = x + 0.5 - ax, py = y + 0.5 - ay;
            double t = square > 0 ? fmax(0, fmin(1, (px * dx + py * dy) / square)) : 0;
            double cover = radius + 0.5 - hypot(px - t * dx, py - t * dy);
            uint8_t a = cover >= 1 ? 255 : cover <= 0 ? 0 : (uint8_t)lrint(cover * 255);
            if (a > row[x - r->x0])
                row[x - r->x0] = a;
        }
    }
}

static void draw_glyph(struct region *region, const char *strokes, double x, double y, double unit, double radius)
{
    const char *before = NULL;
    for (const char *s = strokes; *s;) {
        if (*s == ' ') {
            before = NULL;
            s++;
            continue;
        }
        if (before)
            draw_line(region, x + (before[0] - '0') * unit, y + (before[1] - '0') * unit, x + (s[0] - '0') * unit,
                y + (s[1] - '0') * unit, radius);
        before = s;
        s += 2;
    }
}

void glyphs_draw(struct region *region, const char *text, double x, double y, double unit, double radius)
{
    for (const char *c = text; *c; c++) {
        const char *strokes = find(*c);
        if (strokes)
            draw_glyph(region, strokes, x, y, unit, radius);
        x += (width_of(strokes) + ADVANCE) * unit;
    }
}
