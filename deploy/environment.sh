# Sourced by deploy/demo.sh and tests/run.sh from the project's root: makes the
# virtual environment .venv with the extra named in $extra, if it is not there as
# it stands in pyproject.toml, and puts it on the PATH.
#
# PYTHON names the interpreter (default: the first of python3.12, python3.11,
# python3.13, python3 that is new enough), VENV another folder.

set -eu
VENV=${VENV:-.venv}

find_python() {
  for candidate in ${PYTHON:-python3.12 python3.11 python3.13 python3}; do
    if "$candidate" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null; then
      echo "$candidate"
      return
    fi
  done
  echo "needs Python 3.11, 3.12 or 3.13; set PYTHON to one" >&2
  return 1
}

stamp="$extra $(cksum < pyproject.toml)"
if [ "$(cat "$VENV/aloe-installed" 2>/dev/null)" != "$stamp" ]; then
  python=$(find_python)
  echo "installing ALOE into $VENV with $("$python" --version); this takes a minute or two" >&2
  "$python" -m venv "$VENV"
  "$VENV/bin/python" -m pip install --quiet --disable-pip-version-check --editable ".[$extra]" >&2
  # Here once, and not in the first server, which somebody waits for.
  echo "compiling what scores and trains" >&2
  "$VENV/bin/python" -c 'from aloe.learner.domain.warming import warm_up; warm_up()'
  echo "$stamp" > "$VENV/aloe-installed"
fi
# Not by its activate script: that of some Python versions fails under set -u.
PATH=$(cd "$VENV/bin" && pwd):$PATH
export PATH
