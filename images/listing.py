"""Runs inside an image, by its own Python, and prints what the image holds: Debian packages, distributions, jars.

Nothing but the standard library; reads the image's files only.
"""

import hashlib
import json
import re
import sys
import zipfile
from importlib.metadata import distributions
from pathlib import Path

FOUND = Path("/var/lib/dpkg/status")
JARS = Path("/opt/spark/jars")


def debian() -> list[dict[str, str]]:
    """Return Debian's packages, as dpkg's status has them."""
    found = []
    for block in FOUND.read_text(encoding="utf-8").split("\n\n"):
        fields = dict(re.findall(r"^([A-Z][\w-]*): (.*)$", block, re.MULTILINE))
        if fields.get("Status", "").endswith(" installed"):
            found.append({"name": fields["Package"], "version": fields["Version"], "arch": fields["Architecture"]})
    return found


def python() -> list[dict[str, str]]:
    """Return the Python distributions."""
    return [{"name": each.metadata["Name"], "version": each.version} for each in distributions()]


def jars() -> list[dict[str, str]]:
    """Return Spark's jars with their checksums, and their group where the jar says it."""
    return [_jar(path) for path in sorted(JARS.glob("*.jar"))]


def _jar(path: Path) -> dict[str, str]:
    # The version begins at the last dash that a digit follows: spark-core_2.12-3.5.9, netty-all-4.1.96.Final.
    name, _, version = re.sub(r"-(?=\d)(?!.*-\d)", "\0", path.stem).partition("\0")
    with zipfile.ZipFile(path) as packed:
        told = [each for each in packed.namelist() if each.endswith(f"/{name}/pom.properties")]
    return {
        "name": name,
        "version": version,
        "group": told[0].split("/")[2] if told else "",
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
    }


def made_by_go() -> list[dict[str, str]]:
    """Return the binaries that Go built, as the build noted them."""
    noted = Path("/opt/calve/go.json")
    found: list[dict[str, str]] = json.loads(noted.read_text(encoding="utf-8")) if noted.exists() else []
    return found


if __name__ == "__main__":
    json.dump({"debian": debian(), "python": python(), "jars": jars(), "go": made_by_go()}, sys.stdout)
