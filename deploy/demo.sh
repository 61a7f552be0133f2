#!/bin/sh
# From a fresh clone to a running demonstration: sh deploy/demo.sh [--json] [...]
# Options are those of `aloe demo`.
set -eu
cd "$(dirname "$0")/.."
extra=all
. deploy/environment.sh
exec aloe demo "$@"
