/* --help and the man page, both from the option table. */
#include "config_table.h"

#include <ctype.h>
#include <string.h>

static const char *argument_name(const struct option *o)
{
    switch (o->type) {
    case OPTION_BOOL:
        return "";
    case OPTION_INT:
    case OPTION_REQUEST_INT:
    case OPTION_REAL:
        return "N";
    case OPTION_SIZE:
        return "SIZE";
    case OPTION_DURATION:
        return "TIME";
    case OPTION_TYPES:
        return "TYPE";
    case OPTION_SAVE_MASK:
        return "KIND[:SCALE]";
    case OPTION_FORMAT:
        return "FORMAT";
    case OPTION_IGNORES:
        return "JSON";
    default:
        return o->argument ? o->argument : o->choices ? o->choices : "TEXT";
    }
}

/* Whether --help should say the default: where there is one that the help text or the flag's form does not already
 * tell. */
static bool says_default(const struct option *o)
{
    return o->preset && *o->preset && !(o->type == OPTION_BOOL && strcmp(o->preset, "false") == 0);
}

void config_print_help(FILE *to)
{
    fprintf(to, "Usage: obscura [OPTION]...\n\n"
                "Anonymizes images and videos behind the REST API v1: finds faces, license plates, persons and "
                "vehicles and blurs,\n"
                "pixelates, blackens or only detects them. Every option can also be set in the configuration file and "
                "the environment\n"
                "(--face-threshold is OBSCURA_FACE_THRESHOLD); options marked * are defaults that an upload's query "
                "parameters override.\n\n");
    for (size_t i = 0; i < option_count; i++) {
        const struct option *o = &option_table[i];
        if (o->scope & SCOPE_QUERY)
            continue;
        const char *argument = argument_name(o);
        fprintf(to, "%c ", o->scope & SCOPE_REQUEST ? '*' : ' ');
        if (o->letter)
            fprintf(to, "-%c, ", o->letter);
        fprintf(to, "--%s%s%s\n        %s", o->name, *argument ? " " : "", argument, o->help);
        if (says_default(o))
            fprintf(to, " [%s]", o->preset);
        fputc('\n', to);
    }
    fprintf(to, "  --help, --version, --man\n        This text; the version; the man page in troff.\n");
}

/* Text for troff: minus signs and backslashes as themselves. */
static void troff(FILE *to, const char *text)
{
    for (; *text; text++) {
        if (*text == '-' || *text == '\\')
            fputc('\\', to);
        fputc(*text == '\\' ? 'e' : *text, to);
    }
}

void config_print_man(FILE *to)
{
    fprintf(to, ".TH OBSCURA 1 \"\" \"obscura " OBSCURA_VERSION
                "\"\n.SH NAME\nobscura \\- anonymize images and videos behind a REST API\n"
                ".SH SYNOPSIS\n.B obscura\n[\\fIOPTION\\fR]...\n.SH DESCRIPTION\n"
                "Finds faces, license plates, persons and vehicles in images and videos and blurs, pixelates, blackens "
                "or only detects them. "
                "Serves the REST API v1 on port 7000. Options may also stand in the file named by \\-\\-config and in "
                "the environment "
                "(OBSCURA_ and the option's name in capitals, underscores for hyphens). Later sources win: file, "
                "environment, command line; "
                "an upload's query parameters win over all.\n.SH OPTIONS\n");
    for (size_t i = 0; i < option_count; i++) {
        const struct option *o = &option_table[i];
        if (o->scope & SCOPE_QUERY)
            continue;
        fprintf(to, ".TP\n");
        if (o->letter)
            fprintf(to, "\\fB\\-%c\\fR, ", o->letter);
        fprintf(to, "\\fB\\-\\-");
        troff(to, o->name);
        fprintf(to, "\\fR \\fI");
        troff(to, argument_name(o));
        fprintf(to, "\\fR\n");
        troff(to, o->help);
        char allowed[256];
        option_allowed(o, allowed, sizeof allowed);
        if (o->type != OPTION_TEXT && o->type != OPTION_BOOL) {
            fprintf(to, "\nTakes ");
            troff(to, allowed);
            fputc('.', to);
        }
        if (says_default(o)) {
            fprintf(to, "\nDefault: ");
            troff(to, o->preset);
            fputc('.', to);
        }
        fputc('\n', to);
    }
}
