"""One settings model, from environment variables, read once at the edge and passed in.

The profile `local` fills every default from the state that `calve local up` wrote; `cluster` takes nothing
for granted. Secrets stay `SecretStr`, so that no log or message shows one. Nothing below reads `os.environ`.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Literal, Self, TypeVar
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from calve.errors import SettingsError

S = TypeVar("S", bound="RecordsSettings")

LOGINS = ("snowflake_password", "snowflake_private_key", "snowflake_workload_identity")


class RecordsSettings(BaseSettings):
    """What it takes to ask the records: all that Airflow needs, which holds no key of the data.

    Attributes:
        project: Folder that holds `iceberg/` and `spark_apps/`.
        state: Folder of the local engine: data, logs, pids, jars.
        catalog_url: `postgresql://user:password@host:port/database` of catalog and records.
    """

    # What pydantic says of a model holds its input; ours may hold keys.
    model_config = SettingsConfigDict(env_prefix="CALVE_", extra="ignore", frozen=True, hide_input_in_errors=True)

    profile: Literal["local", "cluster"] = "local"
    project: Path = Path()
    state: Path = Path(".calve")
    catalog_url: SecretStr


class Settings(RecordsSettings):
    """Where calve finds its parts. Each field is the variable `CALVE_<FIELD>`.

    Attributes:
        project: Folder that holds `iceberg/` and `spark_apps/`.
        state: Folder of the local engine: data, logs, pids, jars.
        source_url: `postgresql://user:password@host:port/database` of the operational database, read only.
        source_max_connections: Most connections that an extraction opens to the source.
        source_max_snapshot_seconds: Oldest age of the source snapshot; a longer extraction is stopped.
        catalog_url: The same for the database of catalog and records.
        catalog_name: Name of the JDBC catalog; Spark's catalog has the same.
        warehouse: Root of the lake, `s3://bucket/prefix`.
        s3_endpoint: None means AWS.
        hash_key: Key of the keyed hash of restricted values.
        hash_key_id: Says which key hashed a value; stored beside it.
        snowflake_host: None means the account's own address.
        snowflake_private_key: In place of a password: the text of a private key, PKCS#8 in PEM, RSA or EC.
        snowflake_private_key_passphrase: Belongs to a private key that is encrypted.
        snowflake_workload_identity: In place of a secret: AWS, AZURE, GCP or OIDC vouches for the process.
        snowflake_token_file: With OIDC: file of the token, such as a projected service account token; read anew at
            each login.
        snowflake_external_volume: Its storage base must be `warehouse`.
        report_dir: Where the page is written.
        spark_jars: Jars that the driver adds, comma separated; empty where the image has them.
        driver_memory: Heap of the Spark driver.
        lease_seconds: How long a lease lives without a heartbeat.
    """

    source_url: SecretStr
    source_max_connections: int = Field(default=4, ge=1)
    source_max_snapshot_seconds: int = Field(default=3600, ge=1)
    catalog_name: str = "lake"
    warehouse: str = Field(pattern=r"^s3://[a-z0-9-]+(/[\w-]+)*$")
    s3_endpoint: str | None = None
    s3_region: str = "us-east-1"
    s3_access_key_id: SecretStr | None = None
    s3_secret_access_key: SecretStr | None = None
    hash_key: SecretStr
    hash_key_id: str = "k1"
    snowflake_account: str = "local"
    snowflake_host: str | None = None
    snowflake_port: int | None = None
    snowflake_protocol: Literal["http", "https"] = "https"
    snowflake_user: str = "calve"
    snowflake_password: SecretStr = SecretStr("")
    snowflake_private_key: SecretStr | None = None
    snowflake_private_key_passphrase: SecretStr | None = None
    snowflake_workload_identity: Literal["AWS", "AZURE", "GCP", "OIDC"] | None = None
    snowflake_token_file: Path | None = None
    snowflake_database: str = Field(default="CALVE", pattern=r"^[A-Z][A-Z0-9_]*$")
    snowflake_warehouse: str | None = None
    snowflake_external_volume: str = "CALVE_LAKE"
    snowflake_catalog_integration: str = "CALVE_OBJECT_STORE"
    report_dir: Path = Path(".calve/report")
    spark_jars: str = ""
    driver_memory: str = Field(default="2g", pattern=r"^\d+[mg]$")
    lease_seconds: int = Field(default=60, ge=5)

    @model_validator(mode="after")
    def _one_way_to_log_in(self) -> Self:
        ways = self.snowflake_logins
        if len(ways) > 1:
            msg = (
                f"found {' and '.join(map(_variable, ways))}, expected one way to log in to Snowflake; unset the others"
            )
            raise ValueError(msg)
        if self.snowflake_private_key_passphrase and "snowflake_private_key" not in ways:
            msg = f"found no {_variable('snowflake_private_key')}, expected the key that the passphrase belongs to"
            raise ValueError(msg)
        if (self.snowflake_workload_identity == "OIDC") != bool(self.snowflake_token_file):
            identity, file = _variable("snowflake_workload_identity"), _variable("snowflake_token_file")
            msg = f"found one of {identity}=OIDC and {file}, expected both or none; set the other, or unset it"
            raise ValueError(msg)
        return self

    @property
    def snowflake_logins(self) -> list[str]:
        """Return the names of the settings that log in to Snowflake; one at most, and none where none does."""
        return [name for name in LOGINS if getattr(self, name)]

    @property
    def bucket(self) -> str:
        """Return the bucket's name."""
        return urlsplit(self.warehouse).netloc

    @property
    def prefix(self) -> str:
        """Return the key prefix of the lake inside its bucket, without slashes around it."""
        return urlsplit(self.warehouse).path.strip("/")


def load_settings() -> Settings:
    """Read the settings from the environment, and for the profile `local` from the local engine's state.

    Raises:
        SettingsError: Names every variable that is missing or malformed.
    """
    return _load(Settings)


def load_records_settings() -> RecordsSettings:
    """Read those that it takes to ask the records, in the same way."""
    return _load(RecordsSettings)


def project_folder() -> Path:
    """Return the folder that holds `iceberg/` and `spark_apps/`: all that it takes to read contracts."""
    return Path(os.environ.get("CALVE_PROJECT", "."))


def wrong_settings(error: ValidationError, prefix: str, hint: str) -> SettingsError:
    """Return an error that names every variable that is missing or malformed; no value is in it."""
    found = [(".".join(map(str, e["loc"])).upper(), e["msg"].removeprefix("Value error, ")) for e in error.errors()]
    lines = [f"  {prefix}{name}: {text}" if name else f"  {text}" for name, text in found]
    return SettingsError("\n".join([f"settings: {len(lines)} wrong", *lines, hint]))


def _variable(name: str) -> str:
    return f"CALVE_{name}".upper()


def _load(model: type[S]) -> S:
    given = {key.removeprefix("CALVE_").lower() for key in os.environ if key.startswith("CALVE_")}
    state = Path(os.environ.get("CALVE_STATE", ".calve"))
    local = state / "settings.json"
    defaults: dict[str, object] = {}
    if os.environ.get("CALVE_PROFILE", "local") == "local" and local.exists():
        stored: dict[str, object] = json.loads(local.read_text())
        stored |= {"report_dir": state / "report"}
        if any(os.environ.get(_variable(name)) for name in LOGINS):
            stored.pop("snowflake_password", None)
        defaults = {key: value for key, value in stored.items() if key not in given}
    try:
        return model(**defaults)  # type: ignore[arg-type]  # the model checks them
    except ValidationError as error:
        hint = "start the local engine with `calve local up`, or set CALVE_PROFILE=cluster and the variables"
        raise wrong_settings(error, "CALVE_", hint) from error
