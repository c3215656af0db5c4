"""The page of settings: every variable, what it means, what it is when not given.

Written from the settings model; never shows a value that is set.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from pydantic import SecretStr
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings

from calve.contract.schema import attributes_told
from calve.effects import effect
from calve.kubernetes.deployment import Deployment
from calve.settings import Settings

FILE = "settings.md"
# Settings whose name needs a word more, and which the model does not describe.
_MEANINGS = {
    "profile": "`local` takes what is not given from the local engine's state; `cluster` takes nothing for granted.",
    "s3_region": "Region of the bucket.",
    "s3_access_key_id": "Access key; None leaves it to the machine's own identity.",
    "s3_secret_access_key": "Belongs to the access key.",
    "snowflake_account": "Account identifier.",
    "snowflake_port": "None means the protocol's own.",
    "snowflake_protocol": "`http` for the stand-in only.",
    "snowflake_user": "User that exposes and reports.",
    "snowflake_password": "Password of the user.",
    "snowflake_database": "Database of the schemas LIVE, IDLE_E<n> and REPORTING.",
    "snowflake_warehouse": "Virtual warehouse; None means the user's default.",
    "snowflake_catalog_integration": "Catalog integration of the external Iceberg tables, for object stores.",
}
# Variables that are no settings of a run.
OTHERS = {
    "CALVE_ALERTS_SOURCE": "Name of this installation in every alert; two need two. `calve` when not set.",
    "CALVE_ALERTS_PAGERDUTY_URL": "Another region of PagerDuty, or a proxy; https only.",
    "CALVE_ALERTS_SMTP_HOST": "Mail server of the alerts.",
    "CALVE_ALERTS_SMTP_PORT": "Its port; 587, or 465 with `implicit`, when not set.",
    "CALVE_ALERTS_SMTP_FROM": "Sender of the alerts.",
    "CALVE_ALERTS_SMTP_USER": "Login at the mail server, when it wants one.",
    "CALVE_ALERTS_SMTP_PASSWORD": "Secret. Belongs to the login; never sent unencrypted.",
    "CALVE_ALERTS_SMTP_TLS": "`required` (STARTTLS or nothing is sent; the default), `offered`, `implicit` or `off`.",
    "CALVE_FAILPOINT": "Tests only: name of the effect at which the process kills itself, e.g. `publish.commit:after`.",
    "CALVE_IVY_SETTINGS": "File of Ivy settings for fetching jars from behind a mirror.",
    "CALVE_AIRFLOW_PORT": "Port of the UI of `make airflow`; else the first free one from 8080.",
    "CALVE_LOCAL_PORT_POSTGRES": "Port of the local engine's PostgreSQL.",
    "CALVE_LOCAL_PORT_S3": "Port of the local engine's S3.",
    "CALVE_LOCAL_PORT_SNOWFLAKE": "Port of the local engine's stand-in for Snowflake.",
    "CALVE_SOURCE_ADMIN_URL": "Owner's address of the source database, for the generator (`calve source`) only.",
}


def write_settings(out: Path) -> Path:
    """Write the page into a folder and return its path."""
    out.mkdir(parents=True, exist_ok=True)
    path = out / FILE
    with effect("docs.write"):
        path.write_text(settings_page(), encoding="utf-8")
    return path


def settings_page() -> str:
    """Return the page's Markdown."""
    of_runs, of_clusters = _settings(Settings), _settings(Deployment)
    return "\n".join([*_head(), *of_runs, "", *_of_clusters(), *of_clusters, "", *_others()]) + "\n"


def variables() -> set[str]:
    """Return the names of all variables that a model reads."""
    return {_variable(model, name) for model in (Settings, Deployment) for name in model.model_fields}


def undescribed() -> list[str]:
    """Return the settings that nothing describes."""
    models = (Settings, Deployment)
    return sorted(name for model in models for name in set(model.model_fields) - set(_meanings(model)))


def _meanings(model: type[BaseSettings]) -> dict[str, str]:
    return {**_MEANINGS, **attributes_told(model)}


def _variable(model: type[BaseSettings], name: str) -> str:
    return f"{model.model_config['env_prefix']}{name}".upper()


def _head() -> Iterator[str]:
    yield "<!-- Written by `calve docs` from src/calve/settings.py; change the model, not this page. -->"
    yield "# Settings"
    yield ""
    yield "Environment variables, read once when a command starts. With the profile `local`, what is not given comes"
    yield "from the state that `calve local up` wrote; with `cluster`, what is required must be given (else exit 65)."
    yield "Secrets never appear in logs, messages or pages."
    yield ""


def _of_clusters() -> Iterator[str]:
    yield "## In Kubernetes"
    yield ""
    yield "What submits applications (Airflow, `calve manifest`) reads these. Lists are comma separated."
    yield ""


def _settings(model: type[BaseSettings]) -> Iterator[str]:
    meanings = _meanings(model)
    yield "| variable | meaning | default |"
    yield "|---|---|---|"
    for name, field in model.model_fields.items():
        meaning = meanings.get(name, "").replace("|", "&#124;")
        secret = " Secret." if field.annotation in (SecretStr, SecretStr | None) else ""
        yield f"| `{_variable(model, name)}` | {meaning}{secret} | {_default(field)} |"


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    value = field.get_default()
    if value is None or isinstance(value, SecretStr):
        return "none"
    if isinstance(value, tuple):
        value = ",".join(value)
    return f"`{value}`" if str(value) else "empty"


def _others() -> Iterator[str]:
    yield "| variable | meaning |"
    yield "|---|---|"
    yield from (f"| `{name}` | {meaning} |" for name, meaning in OTHERS.items())
