"""A small application for the image's own Spark: an Iceberg table, a merge-like overwrite, and a Deequ analysis."""

from pydeequ.analyzers import AnalysisRunner, AnalyzerContext, Size
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

CATALOG = "spark.sql.catalog.lake"
SETTINGS = {
    "spark.ui.enabled": "false",
    "spark.sql.shuffle.partitions": "2",
    "spark.sql.warehouse.dir": "/tmp/warehouse",
    "spark.sql.extensions": "org.apache.iceberg.spark.extensions.IcebergSparkSessionExtensions",
    CATALOG: "org.apache.iceberg.spark.SparkCatalog",
    f"{CATALOG}.type": "hadoop",
    f"{CATALOG}.warehouse": "/tmp/lake",
}
# What a cluster's driver and executors load, and a local session does not.
CLASSES = (
    "org.apache.spark.scheduler.cluster.k8s.KubernetesExecutorBackend",
    "org.apache.spark.scheduler.cluster.k8s.KubernetesClusterManager",
    "org.apache.spark.deploy.history.HistoryServer",
    "org.apache.iceberg.aws.s3.S3FileIO",
    "org.postgresql.Driver",
)


def main() -> None:
    """Print what came of it."""
    session = SparkSession.builder.config(map=SETTINGS).getOrCreate()
    session.sparkContext.setLogLevel("ERROR")
    for name in CLASSES:
        session._jvm.java.lang.Class.forName(name)
    session.sql("create table lake.db.t (id bigint, day date) using iceberg partitioned by (day)")
    rows = session.range(1000).select("id", F.lit("2026-01-01").cast("date").alias("day"))
    rows.writeTo("lake.db.t").append()
    run = AnalysisRunner(session).onData(session.table("lake.db.t")).addAnalyzer(Size()).run()
    size = AnalyzerContext.successMetricsAsDataFrame(session, run).collect()[0]["value"]
    rows.where("id % 2 = 0").writeTo("lake.db.t").overwrite(F.col("day") == F.lit("2026-01-01").cast("date"))
    print(f"result {session.table('lake.db.t').count()} rows, {size:.0f} by deequ")  # noqa: T201
    session.sparkContext._gateway.shutdown_callback_server()
    session.stop()


main()
