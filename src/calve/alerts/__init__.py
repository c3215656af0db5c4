"""Tell people why a pipeline needs them: once per cause, and once more when it is over.

An alert is raised by a task that Airflow gives up, or by whoever looks for missed deadlines; `calve run` tells the
person who typed it, and raises none. It is kept in PostgreSQL, and delivered by whoever calls `deliver` next: the
command line, or a task of Airflow. Imports neither Airflow, Spark, PyIceberg nor Snowflake.
"""
