#!/bin/sh
# The reference's own start line: bash celantur.sh --api --api-endpoint http://localhost:7000/ -a face ... Builds the program where that has not been done.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
if [ ! -x "$here/build/obscura" ]; then
    "$here/scripts/install-packages" run
    "$here/scripts/build" build --buildtype=release -Dwerror=false
fi
exec "$here/build/obscura" "$@"
