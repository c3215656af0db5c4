"""Tell people why a pipeline needs them: once per cause, and once more when it is over.

An alert is raised by whoever saw the cause, kept in PostgreSQL, and delivered by whoever calls `deliver` next: the
command line, an Airflow task, a janitor. Imports neither Airflow, Spark, PyIceberg nor Snowflake.
"""
