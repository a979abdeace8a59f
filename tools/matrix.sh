#!/bin/sh
# Runs the tests in environments made for it and thrown away: each interpreter that is given, with
# the oldest NumPy that lamina promises and with the newest.
#
#   tools/matrix.sh python3.11 python3.12 ...
set -eu

rows=
failed=0
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

oldest_for() { # NumPy 2.0 has no wheels for Python 3.13; 2.1 is the first that has
    case $("$1" -c 'import sys; print(sys.version_info[1])') in
    11 | 12) echo 'numpy==2.0.*' ;;
    *) echo 'numpy==2.1.*' ;;
    esac
}

try() { # one environment, one run
    VENV=$folder/venv
    export VENV PYTHON
    rm -rf "$VENV"
    result=failed
    if tools/environment.sh test "$1" && "$VENV/bin/python" -m pytest -q -n 2 -p no:cacheprovider
    then result=passed
    else failed=1
    fi
    numpy=$("$VENV/bin/python" -c 'import numpy; print(numpy.__version__)' || echo "$1")
    rows="$rows$result  $PYTHON  numpy $numpy
"
}

for PYTHON in "$@"; do
    if ! "$PYTHON" -c '' 2>/dev/null; then
        rows="${rows}absent  $PYTHON
"
        continue
    fi
    try "$(oldest_for "$PYTHON")"
    try 'numpy>=2.0'
done
printf '%s' "$rows"
case $rows in *passed* | *failed*) exit $failed ;; esac
echo 'matrix: none of these interpreters starts' >&2
exit 1
