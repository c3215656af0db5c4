"""The Airflow DAG that delivers alerts and tidies up; it belongs to no pipeline."""

from calve.airflow.dags import watch_dag

dag = watch_dag()
