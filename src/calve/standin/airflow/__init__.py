"""The real Airflow on this machine, over the local engine: what `make airflow` starts.

`python -m calve.standin.airflow` starts api-server, scheduler, dag-processor and triggerer from the environment that
has Airflow, and the stand-in for Kubernetes that runs their applications as processes from this one. All state is below
`.calve/airflow`: passwords, logs, the record of processes; metadata is the database `airflow` of the local engine's
PostgreSQL. The only place that starts Airflow; imports none of it, since the two environments want different versions
of the same packages.
"""
