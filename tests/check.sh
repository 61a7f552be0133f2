#!/bin/sh
# Everything that is checked without running the code: lint, format, types, import
# rules, protos and the code generated from them.
set -eu
cd "$(dirname "$0")/.."
extra=dev
. deploy/environment.sh

ruff check
ruff format --check
mypy
lint-imports --no-cache

# buf wants every import in a module of its own; google's come with a package.
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
google=$(python -c 'import pathlib, google.rpc; print(pathlib.Path(google.rpc.__path__[0]).parent)')
mkdir -p "$scratch/google/google/api" "$scratch/google/google/rpc" "$scratch/generated/aloe/v1"
cp -R protos "$scratch/protos"
cp "$google/api/field_behavior.proto" "$scratch/google/google/api/"
cp "$google/rpc/status.proto" "$scratch/google/google/rpc/"
sed 's|  - path: protos|&\n  - path: google|' buf.yaml > "$scratch/buf.yaml"
(cd "$scratch" && buf lint protos)

sh protos/generate.sh "$scratch/generated"
for file in "$scratch"/generated/aloe/v1/*; do
  diff -u "protos/aloe/v1/$(basename "$file")" "$file" || {
    echo "generated code has drifted: run sh protos/generate.sh" >&2
    exit 1
  }
done
echo "all checks passed"
