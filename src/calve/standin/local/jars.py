"""Jars of the Spark session: fetched once with PySpark's own Ivy, then used as files.

Promises that every jar has the checksum of `requirements/jars.lock`. Never follows a dependency of a jar
(Deequ names one that does not resolve), and never starts a JVM when the files are there.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import tempfile
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import urlsplit
from xml.sax.saxutils import quoteattr

from calve.effects import effect
from calve.errors import LocalEngineError
from calve.standin.local.truststore import trust_options

LOCK = Path(__file__).parents[4] / "requirements" / "jars.lock"
RESOLVE_TIMEOUT_SECONDS = 600


@dataclass(frozen=True)
class Jar:
    """One locked jar: `organisation:name:version` and its checksum."""

    organisation: str
    name: str
    version: str
    sha256: str

    @property
    def file_name(self) -> str:
        """Return the name of its file, in the cache and in a repository."""
        return f"{self.name}-{self.version}.jar"


def locked_jars(lock: Path = LOCK) -> list[Jar]:
    """Read the lock: one jar per line, its sha256 and its coordinates."""
    if not lock.exists():
        msg = f"jars: {lock} is absent, expected the lock of the repository; run calve from its own checkout"
        raise LocalEngineError(msg)
    jars = []
    for number, line in enumerate(lock.read_text().splitlines(), start=1):
        if not line.strip() or line.startswith("#"):
            continue
        checksum, _, coordinates = line.partition("  ")
        parts = coordinates.split(":")
        if len(checksum) != hashlib.sha256().digest_size * 2 or len(parts) != 3:  # noqa: PLR2004
            msg = f"{lock}:{number}: found {line!r}, expected 'sha256  organisation:name:version'"
            raise LocalEngineError(msg)
        jars.append(Jar(parts[0], parts[1], parts[2], checksum))
    return jars


def jar_cache() -> Path:
    """Return the folder that keeps the jars between checkouts."""
    root = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(root) / "calve" / "jars"


def jar_paths(lock: Path = LOCK) -> list[Path]:
    """Return the verified jars of the Spark session, in the order of the lock.

    Raises:
        LocalEngineError: A jar is absent or differs from the lock. Nothing was changed.
    """
    paths = []
    for jar in locked_jars(lock):
        path = jar_cache() / jar.file_name
        found = _sha256(path) if path.exists() else None
        if found is None:
            msg = f"jar {jar.file_name}: absent from {path.parent}; run `make setup`"
            raise LocalEngineError(msg)
        if found != jar.sha256:
            raise LocalEngineError(_mismatch(jar, path, found, "run `make setup`, which replaces it"))
        paths.append(path)
    return paths


def fetch_jars(java_home: Path, lock: Path = LOCK) -> list[Path]:
    """Fetch the jars that are absent or broken, verify them, and return all paths.

    A jar with another checksum than the lock's never reaches the cache.
    """
    cache = jar_cache()
    missing = [jar for jar in locked_jars(lock) if not _is_whole(jar, cache / jar.file_name)]
    if missing:
        cache.mkdir(parents=True, exist_ok=True)
        # Inside the cache, so that the last step is a rename and two set-ups don't disturb each other.
        with tempfile.TemporaryDirectory(prefix=".fetch-", dir=cache) as work:
            _resolve(missing, java_home=java_home, work=Path(work))
            for jar in missing:
                _accept(jar, Path(work) / "out" / jar.file_name, cache / jar.file_name)
    return jar_paths(lock)


def _accept(jar: Jar, fetched: Path, target: Path) -> None:
    if (found := _sha256(fetched)) != jar.sha256:
        raise LocalEngineError(_mismatch(jar, fetched, found, "nothing was kept; look who answers for the repository"))
    with effect("jars.store"):
        fetched.replace(target)


def _resolve(jars: list[Jar], *, java_home: Path, work: Path) -> None:
    module = work / "ivy.xml"
    module.write_text(_ivy_module(jars))
    command = [str(java_home / "bin" / "java"), *_proxy_options()]
    arguments = ["-jar", str(_ivy_jar()), "-ivy", str(module), "-cache", str(work / "cache")]
    arguments += ["-retrieve", str(work / "out" / "[artifact]-[revision].[ext]"), "-confs", "default"]
    if settings := os.environ.get("CALVE_IVY_SETTINGS"):
        arguments += ["-settings", settings]
    said = ""
    # A Java out of a wheel doesn't know a company's certificate authority; SSL_CERT_FILE does.
    for options in [*trust_options(work), []]:
        try:
            done = subprocess.run(  # noqa: S603  # arguments of our own
                [*command, *options, *arguments],
                capture_output=True,
                text=True,
                check=False,
                timeout=RESOLVE_TIMEOUT_SECONDS,
            )
        except subprocess.TimeoutExpired:
            said = f"no end after {RESOLVE_TIMEOUT_SECONDS} s"
            continue
        if done.returncode == 0 and all((work / "out" / jar.file_name).exists() for jar in jars):
            return
        said = done.stdout + done.stderr
    raise LocalEngineError(_unresolved(jars, said))


def _ivy_module(jars: list[Jar]) -> str:
    lines = [
        f"    <dependency org={quoteattr(jar.organisation)} name={quoteattr(jar.name)} "
        f'rev={quoteattr(jar.version)} transitive="false"/>'
        for jar in jars
    ]
    body = "\n".join(lines)
    return (
        '<ivy-module version="2.0">\n  <info organisation="calve" module="jars"/>\n'
        f"  <dependencies>\n{body}\n  </dependencies>\n</ivy-module>\n"
    )


def _ivy_jar() -> Path:
    spark = find_spec("pyspark")
    found = sorted(Path(spark.origin).parent.glob("jars/ivy-*.jar")) if spark and spark.origin else []
    if not found:
        msg = "jars: PySpark's Ivy was not found, expected it among the jars of pyspark; run `make setup`"
        raise LocalEngineError(msg)
    return found[-1]


def _proxy_options() -> list[str]:
    """Tell Java the proxy that everybody else reads from the environment."""
    proxy = urlsplit(os.environ.get("https_proxy") or os.environ.get("HTTPS_PROXY") or "")
    if not proxy.hostname:
        return []
    return [f"-Dhttps.proxyHost={proxy.hostname}", f"-Dhttps.proxyPort={proxy.port or 80}"]


def _is_whole(jar: Jar, path: Path) -> bool:
    return path.exists() and _sha256(path) == jar.sha256


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _mismatch(jar: Jar, path: Path, found: str, hint: str) -> str:
    return f"jar {jar.file_name}: {path} has sha256 {found}, expected {jar.sha256} of jars.lock; {hint}"


def _unresolved(jars: list[Jar], said: str) -> str:
    wanted = ", ".join(f"{jar.organisation}:{jar.name}:{jar.version}" for jar in jars)
    telling = [line.strip() for line in said.splitlines() if line.strip() and not set(line.strip()) <= {".", " "}]
    tail = "\n".join(f"  {line[:200]}" for line in telling[-12:])
    return (
        f"jars: Ivy did not get {wanted}; it said\n{tail}\n"
        "check the network and https_proxy; behind a mirror set CALVE_IVY_SETTINGS to an ivysettings.xml; "
        "a company's certificate authority is taken from SSL_CERT_FILE"
    )
