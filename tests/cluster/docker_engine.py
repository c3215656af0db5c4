"""A Docker engine that answers: the user's own, else Debian's dockerd, started here and ended with its last user.

What it built is kept in the cache folder, so a second build is quick. It changes no firewall and makes no network link:
its builds use the network of this machine, and so must its containers, or none. It pulls nothing: the base image is
made by debootstrap under its usual name. `python -m cluster.docker_engine COMMAND…` runs a command with an engine.
"""

import fcntl
import hashlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from cluster.settling import until

BASE = "debian:bookworm-slim"
PACKAGES = {"dockerd": "docker.io", "docker": "docker.io", "debootstrap": "debootstrap"}
START_SECONDS, STOP_SECONDS = 60.0, 60.0
EX_DATAERR = 65
# Debian's own client has what builds; another may stand before it.
DEBIAN_PATH = "/usr/sbin:/usr/bin:/sbin:/bin"


class NoEngineError(RuntimeError):
    """No engine answers, and none can be started; says what is missing."""


@dataclass(frozen=True)
class Engine:
    """An engine that answers.

    Attributes:
        environment: Of every process that talks to it.
        network: Of builds and containers that need one: `host`, or empty for the engine's own choice.
    """

    environment: dict[str, str]
    network: str = ""

    def docker(self, *words: str) -> str:
        """Run the client and return what it printed; a failure is raised with what it said."""
        return _run(["docker", *words], self.environment)


@contextmanager
def docker_engine() -> Iterator[Engine]:
    """Give an engine for a while.

    Raises:
        NoEngineError: There is none, and none can be started. Nothing was changed.
    """
    users_own = dict(os.environ, DOCKER_BUILDKIT="1")
    said = _refusal(users_own)
    if not said:
        yield Engine(users_own)
        return
    check_what_is_needed(said)
    own = OwnEngine(_kept())
    own.begin()
    try:
        own.make_base()
        yield own.engine
    finally:
        own.end()


class OwnEngine:
    """Debian's dockerd with all of its files below one folder, shared by whoever asks for it."""

    def __init__(self, folder: Path) -> None:
        # The names of sockets may not be long.
        run = Path("/run") / f"calve-docker-{hashlib.sha256(str(folder).encode()).hexdigest()[:8]}"
        self.folder, self._run, self._pid_file = folder, run, run / "docker.pid"
        self.log = folder / "dockerd.log"
        socket = f"unix://{run / 'docker.sock'}"
        path = f"{DEBIAN_PATH}:{os.environ.get('PATH', '')}"
        given = {"DOCKER_HOST": socket, "DOCKER_BUILDKIT": "1", "PATH": path}
        self.engine = Engine({**os.environ, **given, "CALVE_BUILD_NETWORK": "host"}, "host")
        folder.mkdir(parents=True, exist_ok=True)
        self._users = (folder / "users").open("w")

    def begin(self) -> None:
        """Start it unless somebody did, and count as one who uses it."""
        with self._alone():
            fcntl.flock(self._users, fcntl.LOCK_SH)
            if _refusal(self.engine.environment):
                self._start()

    def make_base(self) -> None:
        """Make the base image unless it is there."""
        with self._alone():
            _make_base(self.engine)

    def end(self) -> None:
        """Stop using it; whoever is last ends it."""
        with self._alone():
            try:
                fcntl.flock(self._users, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                self._users.close()
                return
            self._stop()
            self._users.close()

    def process(self) -> psutil.Process | None:
        """Return the dockerd that runs on this folder."""
        try:
            found = psutil.Process(int(self._pid_file.read_text()))
            return found if str(self.folder / "data") in found.cmdline() else None
        except (FileNotFoundError, ValueError, psutil.NoSuchProcess):
            return None

    @contextmanager
    def _alone(self) -> Iterator[None]:
        with (self.folder / "changing").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _start(self) -> None:
        self._stop()  # one that does not answer
        self._run.mkdir(parents=True, exist_ok=True)
        command = ["dockerd", "--data-root", self.folder / "data", "--exec-root", self._run / "exec"]
        command += ["--pidfile", self._pid_file, "--host", self.engine.environment["DOCKER_HOST"]]
        command += ["--bridge", "none", "--iptables=false", "--ip6tables=false", "--ip-forward=false"]
        with self.log.open("wb") as log:
            started = subprocess.Popen(
                list(map(str, command)),
                env=self.engine.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

        def answers() -> bool:
            if started.poll() is not None:
                last = "\n".join(self.log.read_text(errors="replace").splitlines()[-5:])
                msg = f"dockerd ended with {started.returncode}, expected it to run; its log ends with\n{last}"
                raise NoEngineError(msg)
            return not _refusal(self.engine.environment)

        until(answers, f"dockerd answers (its log is {self.log})", START_SECONDS)

    def _stop(self) -> None:
        if (found := self.process()) is not None:
            self._end(found)
        # One that was killed leaves mounts; its containerd dies with it.
        held = [line.split()[1] for line in Path("/proc/mounts").read_text().splitlines()]
        for place in reversed([each for each in held if each.startswith((f"{self.folder}/", f"{self._run}/"))]):
            subprocess.run(["umount", "--lazy", place], capture_output=True, check=False)
        shutil.rmtree(self._run, ignore_errors=True)

    @staticmethod
    def _end(found: psutil.Process) -> None:
        try:
            # It ends its containers, and the containerd that it started.
            found.send_signal(signal.SIGTERM)
            found.wait(STOP_SECONDS)
        except psutil.TimeoutExpired:
            for each in (*found.children(recursive=True), found):
                each.kill()
        except psutil.NoSuchProcess:
            pass


def _kept() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "calve" / "docker"


def _refusal(environment: dict[str, str]) -> str:
    """Return why no engine answers; nothing when one does."""
    if shutil.which("docker", path=environment.get("PATH")) is None:
        return "no docker on PATH"
    words = ["docker", "info", "--format", "{{.ServerVersion}}"]
    asked = subprocess.run(words, env=environment, capture_output=True, text=True, check=False, timeout=60)
    return "" if asked.returncode == 0 and asked.stdout.strip() else (asked.stderr.strip() or "no answer")


def check_what_is_needed(said: str) -> None:
    """Fail when an engine can't be started here: says which packages are missing, and why one is wanted."""
    missing = sorted({package for name, package in PACKAGES.items() if shutil.which(name, path=DEBIAN_PATH) is None})
    wanted = [f"the Debian packages {' '.join(missing)}"] if missing else []
    wanted += ["root"] if os.geteuid() != 0 else []
    if wanted:
        msg = (
            f"Docker: no engine answers ({said}), and to start one here takes {' and '.join(wanted)}; "
            "start your own, or set DOCKER_HOST to it"
        )
        raise NoEngineError(msg)


def _make_base(engine: Engine) -> None:
    if engine.docker("image", "ls", "--quiet", BASE).strip():
        return
    with tempfile.TemporaryDirectory(prefix="calve-base-", dir="/var/tmp") as folder:
        root = f"{folder}/root"
        words = ["debootstrap", "--variant=minbase", "--include=ca-certificates", "bookworm", root]
        _run([*words, *_debian_address()], engine.environment)
        unwanted = ["--exclude=./var/cache/apt/archives/*.deb", "--exclude=./var/lib/apt/lists/*"]
        packed = ["tar", "-C", root, *unwanted, "-cf", f"{folder}/root.tar", "."]
        _run(packed, engine.environment)
        engine.docker("import", "--change", 'CMD ["bash"]', f"{folder}/root.tar", BASE)


def _debian_address() -> list[str]:
    """Return where this machine takes its own Debian from; nothing leaves the choice to debootstrap."""
    sources = Path("/etc/apt/sources.list.d/debian.sources")
    lines = sources.read_text().splitlines() if sources.exists() else []
    return [line.split()[1] for line in lines if line.startswith("URIs:")][:1]


def _run(words: Sequence[str], environment: dict[str, str]) -> str:
    done = subprocess.run(words, env=environment, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        said = (done.stderr or done.stdout).strip()[-3000:]
        msg = f"{' '.join(words[:3])} ended with {done.returncode}, expected 0; it said: {said}"
        raise RuntimeError(msg)
    return done.stdout


def main(command: list[str]) -> int:
    """Run a command with an engine and return its exit code; 65 when there is none."""
    try:
        with docker_engine() as engine:
            return subprocess.run(command, env=engine.environment, check=False).returncode
    except NoEngineError as error:
        sys.stderr.write(f"{error}\n")
        return EX_DATAERR


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
