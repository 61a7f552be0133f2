#!/bin/sh
# From a fresh clone to passed tests: sh tests/run.sh [options of pytest]
set -eu
cd "$(dirname "$0")/.."
extra=dev
. deploy/environment.sh
exec python -m pytest "$@"
