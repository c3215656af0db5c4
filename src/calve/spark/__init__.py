"""The Spark half: extract, land, curate and audit. The only place that imports PySpark and PyDeequ."""
