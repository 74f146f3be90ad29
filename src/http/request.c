/* See request.h. */
#include "http/request.h"
#include "base/text.h"

#include <microhttpd.h>

const char *http_request_header(const struct http_request *rq, const char *name)
{
    return MHD_lookup_connection_value(rq->connection, MHD_HEADER_KIND, name);
}

const char *http_request_query(const struct http_request *rq, const char *name)
{
    for (size_t i = rq->query_count; i--;)
        if (text_name_equal(rq->query[i].name, name))
            return rq->query[i].value;
    return NULL;
}
