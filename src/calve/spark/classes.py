"""Keep what Java makes of Spark's classes in a file, so that each driver of this machine starts seconds earlier.

`make setup` makes it; a driver of the profile `local` takes it when it is there. It belongs to this Python environment:
Java looks whether its version and its class path are those that it was made with, and does without the file when they
are not. See JEP 350, "Dynamic CDS Archives". Changes nothing but how soon a driver works.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

_SILENT = "-Xlog:disable -Xlog:all=error:stderr"


def archive() -> Path:
    """Return where the file is, or would be."""
    return Path(sys.prefix) / "spark-classes.jsa"


def options() -> str:
    """Return Java's options that take the file; none when there is none."""
    return f"-XX:SharedArchiveFile={archive()} {_SILENT}" if archive().exists() else ""


def make(jars: list[Path]) -> Path:
    """Make the file anew, from the classes that a small run over Iceberg and Deequ needs; return where it is.

    The environment must say where Spark and Java are.
    """
    archive().unlink(missing_ok=True)
    with tempfile.TemporaryDirectory(prefix="calve-classes-") as folder:
        _exercise(folder, ":".join(map(str, jars)))
    return archive()


def _exercise(folder: str, class_path: str) -> None:
    os.environ.setdefault("SPARK_VERSION", "3.5")
    from pyspark import SparkContext
    from pyspark.sql import SparkSession

    settings: dict[str, bool | float | int | str | None] = {
        "spark.master": "local[2]",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.host": "127.0.0.1",
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.local.dir": folder,
        "spark.sql.warehouse.dir": folder,
        "spark.driver.extraClassPath": class_path,
        "spark.driver.extraJavaOptions": f"-XX:+UseSerialGC -XX:ArchiveClassesAtExit={archive()} {_SILENT}",
        "spark.sql.extensions": "org.apache.iceberg.spark.extensions.IcebergSparkSessionExtensions",
        "spark.sql.catalog.lake": "org.apache.iceberg.spark.SparkCatalog",
        "spark.sql.catalog.lake.type": "hadoop",
        "spark.sql.catalog.lake.warehouse": folder,
    }
    session = SparkSession.builder.config(map=settings).getOrCreate()
    _work(session)
    gateway = SparkContext._gateway
    if gateway is None or gateway.proc is None:
        return
    gateway.shutdown_callback_server()
    session.stop()
    gateway.shutdown()
    # Java writes the file when it ends.
    gateway.proc.stdin.close()
    gateway.proc.wait()


def _work(session: object) -> None:
    from pydeequ.analyzers import AnalysisRunner, Completeness, Size, Uniqueness
    from pyspark.sql import SparkSession
    from pyspark.sql import functions as F

    assert isinstance(session, SparkSession)  # noqa: S101  # for the type checker
    session.sql("create table lake.db.t (id bigint, day date, name string) using iceberg partitioned by (months(day))")
    rows = session.range(1000).select(
        "id", F.lit("2026-01-01").cast("date").alias("day"), F.sha2(F.col("id").cast("string"), 256).alias("name")
    )
    rows.writeTo("lake.db.t").append()
    held = session.table("lake.db.t")
    joined = held.join(rows.alias("new"), "id", "full_outer").groupBy("id").agg(F.count("*").alias("n"))
    joined.where("n > 1").count()
    held.where("id % 2 = 0").writeTo("lake.db.t").overwrite(F.col("day") == F.lit("2026-01-01").cast("date"))
    run = AnalysisRunner(session).onData(session.table("lake.db.t"))
    run.addAnalyzer(Size()).addAnalyzer(Completeness("name")).addAnalyzer(Uniqueness(["id"])).run()
    session._jvm.java.lang.Class.forName("org.postgresql.Driver")  # type: ignore[union-attr]
    session._jvm.java.lang.Class.forName("org.apache.iceberg.aws.s3.S3FileIO")  # type: ignore[union-attr]
