#!/bin/sh
# embed.sh OUT FILE...: writes assembly that puts each FILE into the program as embedded_NAME_begin .. embedded_NAME_end.
set -eu
out=$1
shift
{
    echo '.section .rodata'
    for file in "$@"; do
        name=$(basename "$file" .onnx | tr . _)
        path=$(cd "$(dirname "$file")" && pwd)/$(basename "$file")
        # The checksum makes the text, and so what is compiled from it, change with the file.
        echo ".balign 64"
        echo ".globl embedded_${name}_begin, embedded_${name}_end"
        echo "embedded_${name}_begin:"
        echo ".incbin \"$path\""
        echo "embedded_${name}_end:"
        echo ".asciz \"$(cksum <"$file")\""
    done
    echo '.section .note.GNU-stack,"",%progbits'
} >"$out"
