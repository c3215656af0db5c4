"""Applications, pods, events and logs in the shapes that the operator v2.5, the kubelet and Spark 3.5 write."""

from dataclasses import replace
from datetime import UTC, datetime

from calve.kubernetes.deployment import Deployment
from calve.kubernetes.evidence import Facts, Proof
from calve.kubernetes.manifest import spark_application
from calve.kubernetes.names import Origin
from calve.kubernetes.triage import triage
from calve.lake.attempts import CHANGES
from calve.planning import Planned
from calve.runs import Interval, Run

NOW = datetime(2026, 1, 3, 1, 0, tzinfo=UTC)
RUN = Run("revenue", Interval.parse("2026-01-02"))
NAME = "revenue-20260102-6b30c089-g0"
DESCRIBE = f"kubectl -n lake-dev describe sparkapplication {NAME}"
DESCRIBE_POD = f"kubectl -n lake-dev describe pod {NAME}-driver"
LOGS = f"kubectl -n lake-dev logs {NAME}-driver"
DELETE = f"kubectl -n lake-dev delete sparkapplication {NAME}"
AGAIN = "calve manifest revenue --interval 2026-01-02 | kubectl apply -f -"
UNPUBLISHED = Proof(RUN.key)


def application(project, state="FAILED", error="", *, run=RUN, way=CHANGES, made_at="2026-01-03T00:31:00Z", **given):
    """Return what `kubectl get -o json` shows of one."""
    deployment = Deployment(namespace="lake-dev", image="registry.example.org/calve-spark:4f1c2d")
    found = spark_application(project, Planned(run, way), deployment, given.get("origin"))
    found["metadata"] |= {"creationTimestamp": made_at, "uid": "0d5c0a1e", "generation": 1}
    if state:
        found["status"] = {
            "applicationState": {"state": state} | ({"errorMessage": error} if error else {}),
            "driverInfo": {"podName": f"{found['metadata']['name']}-driver"},
            "executionAttempts": 1,
            "submissionAttempts": 1,
        }
    return found


def ended(code, reason="Error"):
    """Return the driver's pod, whose container ended."""
    state = {"terminated": {"exitCode": code, "reason": reason, "finishedAt": "2026-01-03T00:50:00Z"}}
    return pod("driver", "Failed" if code else "Succeeded", state)


def pod(role, phase, state=None, **status):
    container = {"driver": "spark-kubernetes-driver", "executor": "spark-kubernetes-executor"}[role]
    name = f"{NAME}-driver" if role == "driver" else f"{NAME}-exec-1"
    if state:
        status["containerStatuses"] = [{"name": container, "ready": False, "restartCount": 0, "state": state}]
    return {"metadata": {"name": name, "labels": {"spark-role": role}}, "status": {"phase": phase, **status}}


def waits(reason, message):
    return {"waiting": {"reason": reason, "message": message}}


def event(reason, message, kind="Warning"):
    return {
        "metadata": {"name": f"{NAME}.1", "creationTimestamp": "2026-01-03T00:45:00Z"},
        "involvedObject": {"kind": "Pod", "name": f"{NAME}-driver"},
        "lastTimestamp": "2026-01-03T00:45:00Z",
        "reason": reason,
        "message": message,
        "type": kind,
        "count": 3,
    }


def facts(app, **given):
    """Return what is known of one that the records know nothing of."""
    return replace(Facts(NAME, "lake-dev", NOW, app, proof=UNPUBLISHED), **given)


def failed(project, code, *log, reason="Error"):
    """Return what is known of one whose driver ended with a code, after these lines."""
    app = application(project, error=f"driver container failed with ExitCode: {code}, Reason: {reason}")
    return facts(app, driver=ended(code, reason), log=tuple(line for text in log for line in text.splitlines()))


def by_airflow(project):
    return application(project, "RUNNING", origin=Origin("revenue", "stage", "manual__1", -1, 2))


def diagnosed(found):
    diagnosis = triage(found)
    return diagnosis.cause, diagnosis.sentence, diagnosis.is_retryable, diagnosis.commands


SPARK_75 = "calve: spark: Job aborted due to stage failure; nothing was published. Run the same command again"
STARTED = """\
26/01/03 00:31:20 WARN NativeCodeLoader: Unable to load native-hadoop library for your platform
spark    session up in 6.1 s
land     sales_order                       340 rows, 2.1 s"""

LOST = """\
26/01/03 00:41:02 ERROR TaskSchedulerImpl: Lost executor 1 on 10.244.0.9: 
The executor with id 1 exited with exit code 137(SIGKILL, possible container OOM).

The API gave the following container statuses:

	 container name: spark-kubernetes-executor
	 container image: registry.example.org/calve-spark:4f1c2d
	 container state: terminated
	 container started at: 2026-01-03T00:31:40Z
	 container finished at: 2026-01-03T00:41:01Z
	 exit code: 137
	 termination reason: OOMKilled"""  # noqa: W291, E101

PY4J = """\
ERROR calve.spark.session spark failed: Traceback (most recent call last):
  File "/opt/calve/lib/calve/spark/session.py", line 58, in explained
    yield
  File "/opt/calve/lib/calve/spark/land.py", line 91, in land
    frame.writeTo(table).append()
  File "/opt/spark/python/pyspark/errors/exceptions/captured.py", line 179, in deco
    return f(*a, **kw)
py4j.protocol.Py4JJavaError: An error occurred while calling o123.append.
: org.apache.spark.SparkException: Job aborted due to stage failure: Task 3 in stage 7.0 failed 4 times, most recent
\tat org.apache.spark.scheduler.DAGScheduler.failJobAndIndependentStages(DAGScheduler.scala:2856)
\tat java.base/java.lang.Thread.run(Thread.java:840)
Caused by: {cause}
\tat org.apache.iceberg.aws.s3.S3OutputStream.close(S3OutputStream.java:255)
\t... 12 more
Caused by: {deepest}
\tat software.amazon.awssdk.core.internal.http.Handler.handle(Handler.java:98)
\t... 20 more
"""
