#!/bin/sh
# The tests, with what they need said first. Arguments go to pytest; without any, all tests run, three files at once:
# they wait more than they work.
set -eu
cd "$(dirname "$0")/.."
for name in chromium chromium-browser google-chrome google-chrome-stable; do
  if command -v "$name" >/dev/null; then browser=$name; fi
done
if [ -z "${browser:-}" ]; then
  echo "No Chromium here: the browser tests will be skipped, and counted below."
  echo "To have them: apt-get install chromium (Debian), or brew install --cask chromium (macOS)."
fi
if [ $# -eq 0 ]; then set -- -n 3 --dist loadfile; fi
exec .venv/bin/python -m pytest "$@"
