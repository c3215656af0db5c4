#!/bin/sh
# Make /opt/venv from a lock: every package by its hash, none of its tests, compiled, and with no pip in it.
set -eu
lock=$1
export PIP_CACHE_DIR=/var/cache/pip PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore
if [ -s /run/given/ca.pem ]; then export PIP_CERT=/run/given/ca.pem; fi
if [ -s /run/given/netrc ]; then export NETRC=/run/given/netrc; fi

python3 -m venv --without-pip /opt/venv
# What comes as source is built by Debian's setuptools, not by one of the moment.
python3 -m pip wheel --quiet --require-hashes --no-deps --no-build-isolation --wheel-dir /wheels --requirement "$lock"
python3 -m pip --python /opt/venv/bin/python install --quiet --no-index --no-deps --no-compile /wheels/*.whl
rm -rf /wheels

cd /opt/venv/lib/python3.11/site-packages
rm -rf pyarrow/include pyarrow/tests pandas/tests kubernetes/docs kubernetes/test
find . -type d -name tests -path './numpy*' -prune -exec rm -rf {} +
python3 -m compileall -q --invalidation-mode unchecked-hash . || true
