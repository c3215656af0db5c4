"""The Airflow DAG of the pipeline `reference`; its form, schedule and page come from `iceberg/`."""

from calve.airflow.dags import pipeline_dag

dag = pipeline_dag("reference")
