"""The settings of the local engine: addresses, passwords made once, and what the user chose otherwise.

Promises that the same state folder keeps its ports and secrets over any number of starts. Never invents a
credential for a store that the user gave.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping

from calve.errors import SettingsError
from calve.standin.local.processes import HOST

PORTS = {"postgres": 5542, "s3": 5543, "snowflake": 5544}
WAREHOUSE = "s3://calve-lake/lake"
_SECRETS = (
    "admin_password",
    "shop_admin_password",
    "shop_reader_password",
    "catalog_password",
    "hash_key",
    "snowflake_password",
)
_STORE = ("s3_endpoint", "s3_region", "s3_access_key_id", "s3_secret_access_key")
_LARGEST_PORT = 65535


def complete(stored: Mapping[str, object], environ: Mapping[str, str]) -> dict[str, object]:
    """Return the settings of this start: what is stored, made once, or asked for in the environment.

    Raises:
        SettingsError: A port is no port, or a store was given without its credentials.
    """
    settings: dict[str, object] = {name: secrets.token_urlsafe(24) for name in _SECRETS}
    settings |= {"warehouse": WAREHOUSE, "s3_own": True} | dict(stored)
    for part, default in PORTS.items():
        settings[f"port_{part}"] = _port(part, stored.get(f"port_{part}", default), environ)
    if chosen := environ.get("CALVE_WAREHOUSE"):
        settings["warehouse"] = chosen
    settings |= _store(settings, environ) | _addresses(settings)
    return settings


def _port(part: str, known: object, environ: Mapping[str, str]) -> int:
    variable = f"CALVE_LOCAL_PORT_{part.upper()}"
    asked = environ.get(variable, str(known))
    if not asked.isdecimal() or not 0 < int(asked) <= _LARGEST_PORT:
        msg = f"{variable}: found {asked!r}, expected a port between 1 and {_LARGEST_PORT}; correct or unset it"
        raise SettingsError(msg)
    return int(asked)


def _store(settings: Mapping[str, object], environ: Mapping[str, str]) -> dict[str, object]:
    if "CALVE_S3_ENDPOINT" in environ:
        given: dict[str, object] = {name: environ.get(f"CALVE_{name.upper()}") for name in _STORE}
        given["s3_region"] = given["s3_region"] or "us-east-1"
        if missing := [f"CALVE_{name.upper()}" for name, value in given.items() if not value]:
            msg = (
                f"object store {given['s3_endpoint']}: {', '.join(missing)} not set, expected with "
                "CALVE_S3_ENDPOINT; set them, or unset CALVE_S3_ENDPOINT for a store of our own"
            )
            raise SettingsError(msg)
        return {**given, "s3_own": False}
    if not settings["s3_own"]:
        return {}
    return {
        "s3_endpoint": f"http://{HOST}:{settings['port_s3']}",
        "s3_region": "us-east-1",
        "s3_access_key_id": settings.get("s3_access_key_id", "calve-local"),
        "s3_secret_access_key": settings.get("s3_secret_access_key", secrets.token_urlsafe(24)),
    }


def _addresses(settings: Mapping[str, object]) -> dict[str, object]:
    server = f"{HOST}:{settings['port_postgres']}"
    return {
        "admin_url": f"postgresql://calve_admin:{settings['admin_password']}@{server}/postgres",
        "source_admin_url": f"postgresql://shop_admin:{settings['shop_admin_password']}@{server}/shop",
        "source_url": f"postgresql://shop_reader:{settings['shop_reader_password']}@{server}/shop",
        "catalog_url": f"postgresql://calve:{settings['catalog_password']}@{server}/calve",
        "snowflake_account": "local",
        "snowflake_host": HOST,
        "snowflake_port": settings["port_snowflake"],
        "snowflake_protocol": "http",
        "snowflake_user": "calve",
    }
