"""The Spark half: extract, land, curate and audit. The only place that imports PySpark and PyDeequ."""

import os

# PyDeequ can't be imported without it.
os.environ.setdefault("SPARK_VERSION", "3.5")
