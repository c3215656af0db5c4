"""The folder of the local Airflow, its secrets, and the environment that its programs get.

Promises that the same folder keeps its login and keys over any number of starts, readable by their owner only, and that
no variable of another Airflow reaches this one. Never names a host but 127.0.0.1.
"""

from __future__ import annotations

import base64
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from calve.errors import SettingsError
from calve.standin.local.processes import HOST, is_listening
from calve.standin.local.state import State

USER = "admin"
NAMESPACE = "calve"
DATABASE = "airflow"
FIRST_PORT, PORTS = 8080, 40
_LARGEST_PORT = 65535
_FOLDERS = (("CALVE_STATE", ".calve"), ("CALVE_PROJECT", "."))
_SECRETS = ("database_password", "jwt_secret", "secret_key")


@dataclass(frozen=True)
class Home:
    """Where the local Airflow lives, and what it was given.

    Attributes:
        engine: Folder of the local engine, `.calve`.
        project: Folder that holds `dags/`, `iceberg/` and `spark_apps/`.
        port: Of the UI and of both of Airflow's APIs.
        cluster_port: Of the stand-in for Kubernetes.
    """

    engine: State
    project: Path
    port: int
    cluster_port: int

    @property
    def state(self) -> State:
        """Return the folder of Airflow's own state: logs, recorded processes, secrets."""
        return State(self.engine.root / "airflow")

    @property
    def url(self) -> str:
        """Return the address of the UI."""
        return f"http://{HOST}:{self.port}"

    @property
    def kubeconfig(self) -> Path:
        """Return the file by which the stand-in for Kubernetes is found."""
        return self.state.root / "kubeconfig"

    @property
    def python(self) -> Path:
        """Return the interpreter that has Airflow."""
        return self.project / ".venv-airflow" / "bin" / "python"

    def secrets(self) -> dict[str, str]:
        """Return password and keys, made the first time."""
        known = self.state.settings()
        made: dict[str, object] = {name: secrets.token_urlsafe(48) for name in _SECRETS}
        made |= {
            "password": secrets.token_urlsafe(12),
            "fernet_key": base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
        }
        self.state.save_settings(made | known)
        return {name: str(value) for name, value in (made | known).items()}

    def write_login(self) -> None:
        """Write the file in which Airflow's simple auth manager looks for passwords."""
        file = self.state.root / "login.json"
        file.unlink(missing_ok=True)
        file.touch(mode=0o600)
        file.write_text(json.dumps({USER: self.secrets()["password"]}) + "\n")

    def environment(self, environ: Mapping[str, str]) -> dict[str, str]:
        """Return all that Airflow's programs get: ours instead of what another Airflow's settings would be."""
        inherited = {name: value for name, value in environ.items() if not name.startswith("AIRFLOW")}
        calve = {
            "CALVE_PROFILE": "local",
            "CALVE_STATE": str(self.engine.root),
            "CALVE_PROJECT": str(self.project),
            "CALVE_KUBERNETES_NAMESPACE": NAMESPACE,
            "CALVE_KUBERNETES_IMAGE": "local",
            "CALVE_KUBERNETES_KUBECONFIG": str(self.kubeconfig),
        }
        # Proxies are for other hosts than this one.
        return {**inherited, "NO_PROXY": f"{HOST},localhost", "AIRFLOW_HOME": str(self.state.root), **calve} | {
            f"AIRFLOW__{name}": value for name, value in self._options().items()
        }

    def _options(self) -> dict[str, str]:
        made = self.secrets()
        server = f"{HOST}:{self.engine.settings()['port_postgres']}"
        return {
            "CORE__DAGS_FOLDER": str(self.project / "dags"),
            "CORE__LOAD_EXAMPLES": "False",
            # By hand and by backfill only: the demo's days are not today's, and what is empty would be published too.
            "SCHEDULER__USE_JOB_SCHEDULE": "False",
            "CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
            "CORE__EXECUTOR": "LocalExecutor",
            # Tasks only submit and look; what they wait for holds none of these.
            "CORE__PARALLELISM": "4",
            "CORE__FERNET_KEY": made["fernet_key"],
            "CORE__HOSTNAME_CALLABLE": "socket.gethostname",
            "CORE__EXECUTION_API_SERVER_URL": f"{self.url}/execution/",
            "CORE__SIMPLE_AUTH_MANAGER_USERS": f"{USER}:admin",
            "CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(self.state.root / "login.json"),
            "DATABASE__SQL_ALCHEMY_CONN": (
                f"postgresql+psycopg2://{DATABASE}:{made['database_password']}@{server}/{DATABASE}"
            ),
            "DATABASE__SQL_ALCHEMY_POOL_SIZE": "3",
            "DATABASE__SQL_ALCHEMY_MAX_OVERFLOW": "4",
            "API__HOST": HOST,
            "API__PORT": str(self.port),
            "API__BASE_URL": self.url,
            "API__SECRET_KEY": made["secret_key"],
            "API_AUTH__JWT_SECRET": made["jwt_secret"],
            # Longer than the trigger takes to see an application and its pods gone.
            "TRIGGERER__ON_KILL_TIMEOUT": "120",
            "SCHEDULER__ORPHANED_TASKS_CHECK_INTERVAL": "30",
        }


def find_home(environ: Mapping[str, str]) -> Home:
    """Return the local Airflow of this environment, on ports that are free.

    Raises:
        SettingsError: CALVE_AIRFLOW_PORT is no port, or somebody listens on it.
    """
    asked = environ.get("CALVE_AIRFLOW_PORT")
    if asked is not None and not (asked.isdecimal() and 0 < int(asked) <= _LARGEST_PORT):
        msg = f"CALVE_AIRFLOW_PORT: found {asked!r}, expected a port between 1 and {_LARGEST_PORT}; correct or unset it"
        raise SettingsError(msg)
    port = int(asked) if asked is not None else _free_from(FIRST_PORT)
    if is_listening(port):
        msg = f"CALVE_AIRFLOW_PORT: port {port} of {HOST} is in use, expected it free; choose another one, or unset it"
        raise SettingsError(msg)
    return _home(environ, port, _free_from(port + 1))


def running_home(environ: Mapping[str, str]) -> Home:
    """Return the local Airflow that was started, for who asks only its database."""
    return _home(environ, FIRST_PORT, FIRST_PORT)


def _home(environ: Mapping[str, str], port: int, cluster_port: int) -> Home:
    engine, project = (Path(environ.get(name, usual)).resolve() for name, usual in _FOLDERS)
    return Home(State(engine), project, port, cluster_port)


def _free_from(first: int) -> int:
    for port in range(first, first + PORTS):
        if not is_listening(port):
            return port
    msg = f"Airflow: ports {first} to {first + PORTS - 1} of {HOST} are in use; name a free one in CALVE_AIRFLOW_PORT"
    raise SettingsError(msg)
