"""Start the one Spark session of an application, against the lake's catalog, and say in words what Spark raised.

Never caches table metadata: a publication made outside this session must be seen by snapshot id.
"""

from __future__ import annotations

import logging
import os
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import quote, urlencode

from psycopg.conninfo import conninfo_to_dict
from py4j.protocol import Py4JJavaError
from pyspark.errors import AnalysisException, PySparkException
from pyspark.sql import SparkSession

from calve.contract.models import Contract
from calve.errors import ContractError, JobFailedError, SettingsError
from calve.lake.records import check_address, first_line
from calve.settings import Settings
from calve.spark import classes

CATALOG = "lake"
_TRANSFORMS = "transforms."
# What keeps a connection from being read or answered by others; PostgreSQL's library and its JDBC driver agree on it.
_SAFETY = ("sslmode", "sslrootcert", "sslcert", "sslkey")


def start_session(settings: Settings, app_name: str) -> SparkSession:
    """Start Spark with the Iceberg catalog of the settings; the session's time zone is UTC."""
    os.environ.setdefault("SPARK_VERSION", "3.5")
    builder = SparkSession.builder.appName(app_name)
    for key, value in configuration(settings).items():
        builder = builder.config(key, value)
    session = builder.getOrCreate()
    session.sparkContext.setLogLevel("ERROR")
    return session


def stop_session(session: SparkSession) -> None:
    """Stop Spark and PyDeequ's callback server, without which the process would never exit."""
    gateway = session.sparkContext._gateway
    if gateway is not None:
        gateway.shutdown_callback_server()
    session.stop()


@contextmanager
def explained() -> Iterator[None]:
    """Say in words what Spark raises in a block; its whole trace goes to the log.

    Raises:
        ContractError: Spark can't make sense of the SQL or the columns of a rule or a transform.
        JobFailedError: Anything else; a retry may help.
    """
    try:
        yield
    except AnalysisException as error:
        _log()
        said = first_line(error).rstrip(";")
        msg = f"{_where(error)}: Spark says {said}; correct this SQL or what it names, then run the same command again"
        raise ContractError(msg) from error
    except (PySparkException, Py4JJavaError) as error:
        _log()
        msg = f"spark: {_cause(error)}; nothing was published. Run the same command again, or see the driver's log"
        raise JobFailedError(msg) from error


def _log() -> None:
    logging.getLogger(__name__).error("spark failed: %s", traceback.format_exc())


def _where(error: AnalysisException) -> str:
    """Return the innermost thing of the project at work when the error was raised: a transform, else a contract."""
    found = "contracts"
    for frame, line in traceback.walk_tb(error.__traceback__):
        module, contract = str(frame.f_globals.get("__name__")), frame.f_locals.get("contract")
        if module.startswith(_TRANSFORMS):
            return f"transform spark_apps/transforms/{module.removeprefix(_TRANSFORMS)}.py:{line}"
        if isinstance(contract, Contract):
            found = f"contract iceberg/contracts/{contract.dataset}.yaml"
    return found


def _cause(error: PySparkException | Py4JJavaError) -> str:
    """Return the deepest cause of a Java exception, in one line."""
    causes = [line.strip() for line in str(error).splitlines() if line.strip().startswith("Caused by:")]
    if causes:
        return causes[-1].removeprefix("Caused by: ")
    said = str(error.java_exception) if isinstance(error, Py4JJavaError) else str(error)
    return (said.strip().splitlines() or [type(error).__name__])[0]


def jdbc_of(url: str, variable: str = "CALVE_SOURCE_URL") -> tuple[str, str, str]:
    """Split `postgresql://user:password@host:port/database` into JDBC address, user and password.

    Of the address's parameters, `sslmode`, `sslrootcert`, `sslcert` and `sslkey` go along, so that Spark's connections
    are as safe as the others; the last three must be names of files. What else PostgreSQL's library knows, such as
    `options`, `application_name` or `connect_timeout`, is left out.

    Raises:
        SettingsError: It is no address, or one of a socket, which Spark can't use.
    """
    check_address(url, variable)
    found = {name: str(value) for name, value in conninfo_to_dict(url).items()}
    host = found.get("host", "")
    if not host or host.startswith("/"):
        msg = (
            f"{variable}: names no host, and Spark can't connect by a socket; "
            "expected postgresql://user:password@host:port/database"
        )
        raise SettingsError(msg)
    server = f"[{host}]" if ":" in host else host
    address = f"jdbc:postgresql://{server}:{found.get('port', 5432)}/{quote(found.get('dbname', ''), safe='')}"
    safety = urlencode({name: found[name] for name in _SAFETY if name in found}, quote_via=quote)
    return f"{address}?{safety}" if safety else address, found.get("user", ""), found.get("password", "")


def configuration(settings: Settings) -> dict[str, str]:
    """Return what the session is started with; holds secrets, which Spark's log redacts."""
    catalog = f"spark.sql.catalog.{settings.catalog_name}"
    address, user, password = jdbc_of(settings.catalog_url.get_secret_value(), "CALVE_CATALOG_URL")
    found = {
        "spark.sql.extensions": "org.apache.iceberg.spark.extensions.IcebergSparkSessionExtensions",
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.defaultCatalog": settings.catalog_name,
        "spark.sql.adaptive.coalescePartitions.parallelismFirst": "false",
        "spark.sql.autoBroadcastJoinThreshold": "32m",
        "spark.sql.sources.partitionOverwriteMode": "static",
        # Plans are described for the UI at every stage; the formatted description is the dearest.
        "spark.sql.ui.explainMode": "simple",
        "spark.sql.maxPlanStringLength": "20000",
        "spark.redaction.regex": "(?i)secret|password|token|access[.]?key|jdbc[.]user",
        catalog: "org.apache.iceberg.spark.SparkCatalog",
        f"{catalog}.type": "jdbc",
        f"{catalog}.cache-enabled": "false",
        f"{catalog}.uri": f"{address}{'&' if '?' in address else '?'}currentSchema=public",
        f"{catalog}.jdbc.user": user,
        f"{catalog}.jdbc.password": password,
        f"{catalog}.jdbc.schema-version": "V1",
        f"{catalog}.warehouse": settings.warehouse,
        f"{catalog}.io-impl": "org.apache.iceberg.aws.s3.S3FileIO",
        f"{catalog}.client.region": settings.s3_region,
    }
    if settings.s3_endpoint:
        found[f"{catalog}.s3.endpoint"] = settings.s3_endpoint
        found[f"{catalog}.s3.path-style-access"] = "true"
    if settings.s3_access_key_id and settings.s3_secret_access_key:
        found[f"{catalog}.s3.access-key-id"] = settings.s3_access_key_id.get_secret_value()
        found[f"{catalog}.s3.secret-access-key"] = settings.s3_secret_access_key.get_secret_value()
    if settings.profile == "local":
        found |= _local(settings)
    return found


def _local(settings: Settings) -> dict[str, str]:
    found = {
        "spark.master": "local[2]",
        "spark.driver.memory": settings.driver_memory,
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.sql.shuffle.partitions": "4",
        # A driver of minutes on two cores: the first tier of the compiler is worth more than the second.
        "spark.driver.extraJavaOptions": (
            f"-XX:TieredStopAtLevel=1 -XX:ReservedCodeCacheSize=256m -XX:+UseSerialGC {classes.options()}".strip()
        ),
        "spark.sql.warehouse.dir": str((settings.state / "spark").absolute()),
        "spark.local.dir": str((settings.state / "spark").absolute()),
    }
    if settings.spark_jars:
        # Not `spark.jars`: Java keeps no classes that it loads from there.
        found["spark.driver.extraClassPath"] = settings.spark_jars.replace(",", os.pathsep)
    return found
