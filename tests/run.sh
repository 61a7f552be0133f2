#!/bin/sh
# From a fresh clone to passed tests: sh tests/run.sh [options of pytest]
# Without options the everyday tests run in two processes.
set -eu
cd "$(dirname "$0")/.."
extra=dev
. deploy/environment.sh
[ $# -gt 0 ] || set -- -n 2 --dist loadfile
exec python -m pytest "$@"
