#!/bin/sh
# Makes .venv and installs lamina into it with one extra of pyproject.toml.
# Does nothing, at once, when that was done before.
#
#   tools/environment.sh EXTRA [REQUIREMENT...]
#
# PYTHON names the interpreter, VENV the folder. A stamp is a copy of the pyproject.toml that was
# installed: a change of that file installs anew, a checkout that only touches its date does not.
set -eu

extra=$1
shift
venv=${VENV:-.venv}
stamps=$venv/.stamps
here=$(pwd -P)

say() { printf 'lamina: %s\n' "$*" >&2; }

fail() {
    say "$*"
    exit 1
}

version_of() { "$1" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null; }

is_new_enough() {
    "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null
}

choose() { # the interpreter that was asked for, or the first one that will do
    if [ -n "${PYTHON:-}" ]; then
        is_new_enough "$PYTHON" || fail "needs Python 3.11 or newer, but PYTHON=$PYTHON" \
            "is $(version_of "$PYTHON" || echo 'not a Python that starts')."
        echo "$PYTHON"
        return
    fi
    for candidate in python3 python3.13 python3.12 python3.11 python; do
        if is_new_enough "$candidate"; then
            echo "$candidate"
            return
        fi
    done
    fail "needs Python 3.11 or newer, and there is none on the PATH." \
        "Install one, or name it: make test PYTHON=/path/to/python3.12"
}

is_sound() { # whole, made here, and of the version that was asked for
    [ -x "$venv/bin/python" ] || return 1
    [ ! -f "$stamps/unfinished" ] || return 1
    is_new_enough "$venv/bin/python" || return 1
    [ ! -f "$stamps/home" ] || [ "$(cat "$stamps/home")" = "$here" ] || return 1
    [ -z "${PYTHON:-}" ] || [ "$(version_of "$PYTHON")" = "$(version_of "$venv/bin/python")" ]
}

make_venv() {
    python=$(choose)
    say "making $venv with Python $(version_of "$python")"
    # Some systems ship Python without ensurepip: then the system's own pip puts one in.
    "$python" -m venv --clear "$venv" >/dev/null 2>&1 || {
        "$python" -m venv --clear --without-pip "$venv" &&
            "$python" -m pip --python "$venv/bin/python" install --quiet pip
    } || fail "could not make $venv: this Python has neither ensurepip nor pip" \
        "(on Debian and Ubuntu: apt-get install python3-venv)."
    mkdir -p "$stamps"
    touch "$stamps/unfinished"
}

is_sound && [ $# -eq 0 ] && cmp -s pyproject.toml "$stamps/$extra" && exit 0

is_sound && "$venv/bin/python" -m pip --version >/dev/null 2>&1 || make_venv
say "installing lamina[$extra]${*:+ with $*} into $venv: a minute or two the first time, at once afterwards"
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check -e ".[$extra]" "$@" ||
    fail "pip could not install; the lines above say why. Run the same command again to go on."
mkdir -p "$stamps"
rm -f "$stamps/unfinished"
echo "$here" >"$stamps/home"
case $extra in # an extra contains the ones before it
check) extras="check test demo" ;;
test) extras="test demo" ;;
*) extras=$extra ;;
esac
for name in $extras; do cp pyproject.toml "$stamps/$name"; done
