#!/bin/sh
# Fetch the jars of requirements/jars.lock into a folder with the code of `make setup`: each by its checksum.
set -eu
export PYTHONPATH=/build/src XDG_CACHE_HOME=/tmp/jars
if [ -s /run/given/ca.pem ]; then export SSL_CERT_FILE=/run/given/ca.pem; fi
if [ -s /run/given/ivysettings.xml ]; then export CALVE_IVY_SETTINGS=/run/given/ivysettings.xml; fi

/opt/venv/bin/python - <<'PYTHON'
import pathlib
import sys

from calve.errors import CalveError
from calve.standin.local.jars import fetch_jars

try:
    fetch_jars(pathlib.Path("/usr/lib/jvm/java"))
except CalveError as error:
    sys.exit(str(error))
PYTHON
mkdir "$1"
mv /tmp/jars/calve/jars/*.jar "$1"
