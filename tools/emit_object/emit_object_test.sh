#!/bin/sh
# emit_object_test.sh EMIT CHECK PROGRAM CALLS: hand-made images as a user's program sees them.
set -e
folder=$TEST_TMPDIR/emitted
mkdir -p "$folder"
"$1" "$folder"
sh "$2" "$folder" "$3" "$4"
