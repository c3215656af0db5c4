"""What this machine knows of mirrors, proxies and certificate authorities, handed to a build as secrets.

Docker keeps a secret out of every layer and of the history; none is written below the repository. Proxies go as the
build arguments that Docker itself knows and forgets.
"""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

PROXIES = ("http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY")
# Which of pip's settings say where packages come from; one that names a file of this machine would not be found.
PIP_SETTINGS = ("index-url", "extra-index-url", "trusted-host", "proxy", "timeout", "retries", "no-index")
# What names a file of certificates, the first one that is set.
AUTHORITIES = ("SSL_CERT_FILE", "PIP_CERT", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
# A variable of ours → the secret that its file becomes.
FILES = {"CALVE_IVY_SETTINGS": "ivy", "CALVE_APT_CONF": "apt-conf", "CALVE_APT_SOURCES": "apt-sources"}


@contextmanager
def build_options(environment: Mapping[str, str] = os.environ) -> Iterator[list[str]]:
    """Give the options of `docker build` that hand on what the environment knows; their files end with the block."""
    with TemporaryDirectory(prefix="calve-given-") as folder:
        options = [f"--build-arg={name}" for name in PROXIES if environment.get(name)]
        if network := environment.get("CALVE_BUILD_NETWORK"):
            options.append(f"--network={network}")
        for secret, path in _secrets(environment, Path(folder)).items():
            options.append(f"--secret=id={secret},src={path}")
        yield options


def pip_settings(listed: str) -> str:
    """Return a pip.conf that says what `pip config list` said of where packages come from.

    A later line overrides an earlier one: pip lists what wins last, the environment after the files.
    """
    found = {}
    for line in listed.splitlines():
        key, _, value = line.partition("=")
        name = key.rpartition(".")[2].replace("_", "-")
        if name in PIP_SETTINGS and value:
            found[name] = " ".join(shlex.split(value))
    return "\n".join(["[global]", *(f"{name} = {value}" for name, value in found.items())]) + "\n"


def _secrets(environment: Mapping[str, str], folder: Path) -> dict[str, Path]:
    words = [sys.executable, "-m", "pip", "config", "list"]
    asked = subprocess.run(words, env=dict(environment), capture_output=True, text=True, check=False)  # noqa: S603
    settings = folder / "pip.conf"
    settings.write_text(pip_settings(asked.stdout))
    found = {"pip": settings}
    found |= {secret: Path(environment[name]) for name, secret in FILES.items() if environment.get(name)}
    for name in AUTHORITIES:
        if environment.get(name):
            found["ca"] = Path(environment[name])
            break
    if (netrc := Path(environment.get("NETRC") or Path.home() / ".netrc")).is_file():
        found["netrc"] = netrc
    return found
