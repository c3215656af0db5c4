"""Where and as whom calve's applications run in Kubernetes: read once from the environment and passed in.

Secrets are named, never held.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from calve.settings import wrong_settings

# Of a Secret, ConfigMap or ServiceAccount: a DNS subdomain.
Name = Annotated[str, Field(pattern=r"^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$", max_length=253)]
Names = Annotated[tuple[Name, ...], NoDecode]


class Deployment(BaseSettings):
    """Each field is the variable `CALVE_KUBERNETES_<FIELD>`; lists are comma separated.

    Attributes:
        namespace: Where applications and pods are created.
        image: The Spark image, by a tag that names its content.
        image_pull_policy: `IfNotPresent` suits a tag that never changes.
        image_pull_secrets: Secrets of the registry.
        service_account: Of driver and command pods; may create executor pods.
        config_maps: ConfigMaps whose keys become environment variables: the `CALVE_…` settings.
        secrets: The same for Secrets: addresses with passwords, keys.
        local_dir_size: Most disk that a pod shuffles to, and again the most that it writes below `/tmp`.
        event_log_dir: Where Spark writes its event log, by a file system that the image's Hadoop knows, and in a folder
            that is there; else no session starts. Empty writes none.
        event_log_claim: Volume claim that is mounted at `event_log_dir`, then `file:///…`; many pods write to it.
        history_url: Address of Spark's history server, for links.
        kubeconfig: None means the service account of the pod that asks.
    """

    model_config = SettingsConfigDict(env_prefix="CALVE_KUBERNETES_", extra="ignore", frozen=True)

    namespace: str = Field(pattern=r"^[a-z0-9]([a-z0-9-]*[a-z0-9])?$", max_length=63)
    image: str = Field(pattern=r"^\S+$")
    image_pull_policy: Literal["Always", "IfNotPresent", "Never"] = "IfNotPresent"
    image_pull_secrets: Names = ()
    service_account: Name = "calve-spark"
    config_maps: Names = ("calve-settings",)
    secrets: Names = ("calve-secrets",)
    local_dir_size: str = Field(default="20Gi", pattern=r"^\d+(Mi|Gi|Ti)$")
    event_log_dir: str = ""
    event_log_claim: Name | Literal[""] = ""
    history_url: str = ""
    kubeconfig: Path | None = None

    @model_validator(mode="after")
    def _claim_has_a_place(self) -> Self:
        if self.event_log_claim and not self.event_log_dir.startswith("file:///"):
            msg = f"event_log_claim: found event_log_dir {self.event_log_dir!r}, expected file:///… where it is mounted"
            raise ValueError(msg)
        return self

    @property
    def event_log_mount(self) -> str:
        """Return where the claim is mounted."""
        return self.event_log_dir.removeprefix("file://")

    @field_validator("image_pull_secrets", "config_maps", "secrets", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return tuple(filter(None, map(str.strip, value.split(",")))) if isinstance(value, str) else value


def load_deployment() -> Deployment:
    """Read the settings from the environment.

    Raises:
        SettingsError: Names every variable that is missing or malformed.
    """
    try:
        return Deployment()
    except ValidationError as error:
        raise wrong_settings(error, "CALVE_KUBERNETES_", "set these variables") from error
