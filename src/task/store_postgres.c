/* The PostgreSQL driver: to come. */
#include "task/sql.h"

int sql_open_postgres(const char *url, struct sql **ret_db, struct error *err)
{
    return error_set(err, -EOPNOTSUPP, "PostgreSQL is not supported yet");
}
