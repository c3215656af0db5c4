"""Airflow's side: DAGs from contracts, an operator and a trigger for what runs in Kubernetes.

An installed package, because the triggerer loads no DAG bundle. Never imports Spark, PyIceberg or Snowflake's
connector; holds no logic that a person could not type as a `calve …` command.
"""
