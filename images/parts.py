"""The list of an image's parts (SBOM, CycloneDX 1.5 in JSON): what it really holds, asked of the image itself.

The same image gives the same bytes: no time and no random number is in it.
"""

from __future__ import annotations

import json
import subprocess
import uuid
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote

from images.errors import ImageError

LISTING = Path(__file__).parent / "listing.py"
_SPACE = uuid.UUID("6a0cb4d0-4d8e-5b0e-9a53-7d2f6c1e8b11")


def write_parts(reference: str, file: Path, environment: Mapping[str, str]) -> None:
    """Write the list of an image's parts.

    Raises:
        ImageError: The image's own Python did not say what the image holds.
    """
    words = ["docker", "run", "--rm", "--interactive", "--network", "none", "--read-only"]
    words += ["--entrypoint", "/opt/venv/bin/python", reference, "-I", "-"]
    done = subprocess.run(  # noqa: S603  # arguments of our own
        words, input=LISTING.read_bytes(), env=dict(environment), capture_output=True, check=False
    )
    if done.returncode != 0:
        msg = (
            f"{reference}: its Python ended with {done.returncode}, expected the list of parts; it said {done.stderr!r}"
        )
        raise ImageError(msg)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(bill_of(reference, json.loads(done.stdout)), indent=1, sort_keys=True) + "\n")


def bill_of(reference: str, held: Mapping[str, list[dict[str, str]]]) -> dict[str, object]:
    """Return the CycloneDX document of what an image holds."""
    parts = [_part(each, f"pkg:deb/debian/{_purl(each)}?arch={each['arch']}") for each in held["debian"]]
    parts += [_part(each, f"pkg:pypi/{_purl(each)}") for each in held["python"]]
    parts += [_part(each, _maven(each)) for each in held["jars"]]
    parts += [_part(each, f"pkg:golang/{each['name']}@{quote(each['version'])}") for each in held["go"]]
    parts.sort(key=lambda each: str(each["purl"]))
    name, _, tag = reference.rpartition(":")
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "serialNumber": f"urn:uuid:{uuid.uuid5(_SPACE, reference)}",
        "version": 1,
        "metadata": {"component": {"type": "container", "bom-ref": reference, "name": name, "version": tag}},
        "components": parts,
    }


def _part(each: Mapping[str, str], purl: str) -> dict[str, object]:
    found: dict[str, object] = {"type": "library", "name": each["name"], "version": each["version"]}
    found |= {"purl": purl, "bom-ref": purl}
    if each.get("group"):
        found["group"] = each["group"]
    if each.get("sha256"):
        found["hashes"] = [{"alg": "SHA-256", "content": each["sha256"]}]
    return found


def _maven(jar: Mapping[str, str]) -> str:
    return f"pkg:maven/{jar['group']}/{_purl(jar)}" if jar["group"] else f"pkg:generic/{_purl(jar)}"


def _purl(each: Mapping[str, str]) -> str:
    # Names of Python distributions have one spelling; those of jars keep theirs.
    name = each["name"] if "sha256" in each else each["name"].lower().replace("_", "-")
    return f"{quote(name)}@{quote(each['version'])}"
