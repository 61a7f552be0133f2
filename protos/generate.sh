#!/bin/sh
# Generates the Python code of aloe.v1 beside the .proto files, or under $1.
# Run it with the development environment active: . .venv/bin/activate
set -eu
cd "$(dirname "$0")"
out=${1:-.}
google=$(python -c 'import pathlib, google.rpc; print(pathlib.Path(google.rpc.__path__[0]).parents[1])')
python -m grpc_tools.protoc -I. -I"$google" \
  --python_out="$out" --grpc_python_out="$out" --mypy_out=quiet:"$out" --mypy_grpc_out=quiet:"$out" \
  aloe/v1/*.proto
# Most files hold no service.
for proto in aloe/v1/*.proto; do
  case $proto in
    *_service.proto) ;;
    *) rm "$out/${proto%.proto}_pb2_grpc.py" "$out/${proto%.proto}_pb2_grpc.pyi" ;;
  esac
done
