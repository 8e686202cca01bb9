#!/bin/sh
# The tests, with what they need said first. Arguments go to pytest.
set -eu
cd "$(dirname "$0")/.."
for name in chromium chromium-browser google-chrome google-chrome-stable; do
  if command -v "$name" >/dev/null; then browser=$name; fi
done
if [ -z "${browser:-}" ]; then
  echo "No Chromium here: the browser tests will be skipped, and counted below."
  echo "To have them: apt-get install chromium (Debian), or brew install --cask chromium (macOS)."
fi
exec .venv/bin/python -m pytest "$@"
