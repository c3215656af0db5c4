"""Start the one Spark session of an application, against the lake's catalog.

Never caches table metadata: a publication made outside this session must be seen by snapshot id.
"""

from __future__ import annotations

import os
from urllib.parse import unquote, urlsplit

from pyspark.sql import SparkSession

from calve.settings import Settings

CATALOG = "lake"


def start_session(settings: Settings, app_name: str) -> SparkSession:
    """Start Spark with the Iceberg catalog of the settings; the session's time zone is UTC."""
    os.environ.setdefault("SPARK_VERSION", "3.5")
    builder = SparkSession.builder.appName(app_name)
    for key, value in _configuration(settings).items():
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


def jdbc_of(url: str) -> tuple[str, str, str]:
    """Split `postgresql://user:password@host:port/database` into JDBC address, user and password."""
    parts = urlsplit(url)
    address = f"jdbc:postgresql://{parts.hostname}:{parts.port or 5432}{parts.path}"
    return address, unquote(parts.username or ""), unquote(parts.password or "")


def _configuration(settings: Settings) -> dict[str, str]:
    catalog = f"spark.sql.catalog.{settings.catalog_name}"
    address, user, password = jdbc_of(settings.catalog_url.get_secret_value())
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
        f"{catalog}.uri": f"{address}?currentSchema=public",
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
        "spark.driver.extraJavaOptions": ("-XX:TieredStopAtLevel=1 -XX:ReservedCodeCacheSize=256m -XX:+UseSerialGC"),
        "spark.sql.warehouse.dir": str((settings.state / "spark").absolute()),
        "spark.local.dir": str((settings.state / "spark").absolute()),
    }
    if settings.spark_jars:
        found["spark.jars"] = settings.spark_jars
    return found
