#!/usr/bin/env bash
# The interpreter of the system, which has the system's NumPy.
set -euo pipefail
exec /usr/bin/python3 "$@"
