"""Notice a local lake whose halves don't belong together: the catalog on disk, the objects in memory.

Promises an error that names the command that helps, before anything is read from or written to a lost lake.
Never repairs: only an empty catalog makes it safe to go on, and that is `calve local up`'s to decide.
"""

from __future__ import annotations

from typing import Any

import psycopg
from botocore.exceptions import ClientError

from calve.effects import effect
from calve.errors import LakeLostError, LakeUnavailableError, LocalEngineError, SettingsError
from calve.settings import Settings
from calve.standin.local import store
from calve.standin.local.state import State

START_ANEW = "`calve local down --wipe && calve local up`"
CONNECT_SECONDS = 3


def check_local_state(settings: Settings) -> None:
    """Refuse to go on when PostgreSQL or S3 is down, or when the lake lost its files.

    Returns at once in the profile `cluster`, or when the settings are not those of a local engine.

    Raises:
        LocalEngineError: PostgreSQL or S3 does not answer; `calve local up` starts it.
        LakeLostError: The catalog names files that the object store lost; only starting anew helps.
    """
    state = State(settings.state.resolve())
    if settings.profile != "local" or not state.settings_file.exists():
        return
    given: dict[str, object] = {
        "s3_endpoint": settings.s3_endpoint,
        "s3_region": settings.s3_region,
        "s3_access_key_id": settings.s3_access_key_id and settings.s3_access_key_id.get_secret_value(),
        "s3_secret_access_key": settings.s3_secret_access_key and settings.s3_secret_access_key.get_secret_value(),
    }
    stored = state.settings()
    ours = bool(stored["s3_own"]) and settings.s3_endpoint == stored["s3_endpoint"]
    if settings.warehouse != stored["warehouse"]:
        _must_be_named_rightly(settings, store.client(given))
    check_lake(settings.catalog_url.get_secret_value(), store.client(given), settings.bucket, ours=ours)


def _must_be_named_rightly(settings: Settings, s3: Any) -> None:
    try:
        found = store.read_marker(s3, settings.bucket)
    except store.STORE_ERRORS:
        return  # told by the comparison that follows
    if found is None:
        msg = (
            f"CALVE_WAREHOUSE: bucket {settings.bucket} is absent or not this engine's, expected the bucket that "
            "`calve local up` made; correct or unset it. Nothing was changed"
        )
        raise SettingsError(msg)


def check_lake(catalog_url: str, s3: Any, bucket: str, *, ours: bool = True) -> None:
    """Compare the engine that the catalog belongs to with the one that the bucket belongs to.

    Args:
        ours: The store is the engine's own, whose objects are gone when it doesn't answer.

    Raises:
        LakeLostError: Only starting anew helps.
        LakeUnavailableError: A store that was given does not answer; nothing says that it lost anything.
        SettingsError: The store refuses the credentials.
    """
    instance, empty = read_catalog(catalog_url)
    if instance is None:
        return
    try:
        found = store.read_marker(s3, bucket)
    except ClientError as error:
        raise SettingsError(_refused(s3, bucket, error)) from error
    except store.STORE_ERRORS as error:
        if not ours:
            msg = (
                f"object store {s3.meta.endpoint_url}: does not answer ({error}), expected the lake's bucket {bucket}; "
                "start it, or correct CALVE_S3_ENDPOINT, then run again"
            )
            raise LakeUnavailableError(msg) from error
        if empty:
            msg = f"S3: bucket {bucket} does not answer ({error}); run `calve local up`"
            raise LocalEngineError(msg) from error
        raise LakeLostError(_lost(bucket, f"its object store does not answer ({error})")) from error
    if found is None and empty:
        msg = f"S3: bucket {bucket} is absent, and so is the lake's catalog; run `calve local up`"
        raise LocalEngineError(msg)
    if found is None:
        raise LakeLostError(_lost(bucket, "its object store was started anew and is empty"))
    if found != instance:
        raise LakeLostError(_foreign(bucket, found, instance))


def read_catalog(catalog_url: str) -> tuple[str | None, bool]:
    """Return the engine that the catalog belongs to (None: not a local one) and whether it names no table.

    Raises:
        LocalEngineError: PostgreSQL does not answer.
    """
    try:
        with psycopg.connect(catalog_url, connect_timeout=CONNECT_SECONDS) as connection:
            if not _exists(connection, "local_instance"):
                return None, True
            row = connection.execute("select instance from local_instance").fetchone()
            if not _exists(connection, "iceberg_tables"):
                return (row[0] if row else None), True
            tables = connection.execute("select exists (select from iceberg_tables)").fetchone()
            return (row[0] if row else None), not (tables and tables[0])
    except psycopg.OperationalError as error:
        found = next(iter(str(error).strip().splitlines()), "no reason given")
        msg = f"PostgreSQL: the local engine does not answer ({found}); run `calve local up`"
        raise LocalEngineError(msg) from error
    except psycopg.ProgrammingError:
        # Its text may repeat the address with the password.
        msg = "CALVE_CATALOG_URL: not the address of a local engine's database; unset it, or name the right one"
        raise SettingsError(msg) from None


def claim(catalog_url: str, s3: Any, *, bucket: str, instance: str) -> None:
    """Make catalog and bucket say that they belong together, unless the lake's files are lost.

    Raises:
        LakeLostError: The catalog names tables and the bucket isn't the one they were written to.
    """
    with psycopg.connect(catalog_url, connect_timeout=CONNECT_SECONDS) as connection, effect("local.claim"):
        connection.execute("create table if not exists local_instance (instance text not null)")
        connection.execute(
            "insert into local_instance select %s where not exists (select from local_instance)", [instance]
        )
        connection.commit()
    known, empty = read_catalog(catalog_url)
    found = store.read_marker(s3, bucket)
    if found is None and empty:
        store.make_bucket(s3, bucket, str(known))
    check_lake(catalog_url, s3, bucket)


def _exists(connection: psycopg.Connection[Any], table: str) -> bool:
    row = connection.execute("select to_regclass(%s) is not null", [f"public.{table}"]).fetchone()
    return bool(row and row[0])


def _refused(s3: Any, bucket: str, error: ClientError) -> str:
    code = error.response.get("Error", {}).get("Code", "no code")
    return (
        f"object store {s3.meta.endpoint_url}: refused to read bucket {bucket} ({code}), expected it to be allowed; "
        "correct CALVE_S3_ACCESS_KEY_ID, CALVE_S3_SECRET_ACCESS_KEY and their rights. Nothing was changed"
    )


def _lost(bucket: str, found: str) -> str:
    return (
        f"lake in bucket {bucket}: {found}, but the catalog names tables, whose files are gone; "
        f"start anew with {START_ANEW}, then run again"
    )


def _foreign(bucket: str, found: str, expected: str) -> str:
    return (
        f"lake in bucket {bucket}: it belongs to the engine {found}, this catalog to {expected}; start anew with "
        f"{START_ANEW}; with a store of yours, choose another CALVE_WAREHOUSE, or remove the object "
        f"s3://{bucket}/{store.MARKER} when that engine is gone"
    )
