"""What calve asks of Kubernetes: SparkApplication and Pod manifests, their names, and why one failed.

Promises to import neither Spark nor Airflow nor PyIceberg: both sides use it.
"""
