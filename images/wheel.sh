#!/bin/sh
# Build calve from what was copied of it, and lay it out below a folder as it lies in the image.
set -eu
# The project's page is no part of the program.
touch README.md
python3 -m pip wheel --quiet --no-index --no-deps --no-build-isolation --wheel-dir /wheels .
python3 -m venv --without-pip /opt/venv
python3 -m pip --python /opt/venv/bin/python install --quiet --no-index --no-deps --no-compile --root "$1" /wheels/*.whl
python3 -m compileall -q --invalidation-mode unchecked-hash "$1"
