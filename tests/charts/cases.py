"""What each value of the chart changes: where it is seen, and as what."""

from dataclasses import dataclass, field
from typing import Any

SETTINGS, KUBERNETES, AIRFLOW = "ConfigMap/calve-settings", "ConfigMap/calve-kubernetes", "ConfigMap/calve-airflow"
API, SCHEDULER = "Deployment/calve-api-server", "Deployment/calve-scheduler"
POLICY, HISTORY, POSTGRES = "NetworkPolicy/calve-", "Deployment/calve-history", "StatefulSet/calve-dev-postgres"
CONTAINER = "spec template spec containers 0"
SIZES = {"requests": {"cpu": "1", "memory": "3Gi"}, "limits": {"memory": "4Gi"}}
LABELS = "metadata labels team"
ON = {name: {name: {"enabled": True}} for name in ("history", "development")} | {
    "ingress": {"airflow": {"ingress": {"enabled": True, "host": "a.example.com"}}},
    "dashboard": {"metrics": {"dashboard": {"enabled": True}}},
    "monitor": {"metrics": {"podMonitor": {"enabled": True}}},
    "smtp": {"airflow": {"alerts": {"smtp": {"host": "m.example.com"}}}},
    "volume": {"development": {"enabled": True, "persistence": {"enabled": True}}},
}


@dataclass(frozen=True)
class Case:
    """A value, and what comes of it.

    Attributes:
        at: Object and path in it, where it is seen.
        seen: What stands there; None when nothing does.
        refused: What is said instead, when it is refused.
        given: What else must be so.
    """

    value: Any
    at: tuple[str, str] = ("", "")
    seen: Any = None
    refused: str = ""
    given: dict = field(default_factory=dict)


def _setting(value: Any, variable: str, **more: Any) -> Case:
    return Case(value, (SETTINGS, f"data {variable}"), str(value), **more)


def _kubernetes(value: Any, variable: str, seen: Any = None, **more: Any) -> Case:
    return Case(value, (KUBERNETES, f"data {variable}"), str(value) if seen is None else seen, **more)


def _airflow(value: Any, variable: str, seen: Any = None) -> Case:
    return Case(value, (AIRFLOW, f"data {variable}"), str(value) if seen is None else seen)


CASES = {
    "namespace": Case("calve-prod", refused="found calve-dev, expected calve-prod"),
    "images.spark.repository": _kubernetes("r.example.com/s", "CALVE_KUBERNETES_IMAGE", "r.example.com/s:a1"),
    "images.spark.tag": _kubernetes("0a1b", "CALVE_KUBERNETES_IMAGE", "calve/spark:0a1b"),
    "images.airflow.repository": Case("r.example.com/a", (API, f"{CONTAINER} image"), "r.example.com/a:b2"),
    "images.airflow.tag": Case("0a1b", (API, f"{CONTAINER} image"), "calve/airflow:0a1b"),
    "images.dev.repository": Case(
        "r.example.com/d", (POSTGRES, f"{CONTAINER} image"), "r.example.com/d:c3", given=ON["development"]
    ),
    "images.dev.tag": Case("0a1b", (POSTGRES, f"{CONTAINER} image"), "calve/dev:0a1b", given=ON["development"]),
    "images.pullPolicy": Case("Always", (API, f"{CONTAINER} imagePullPolicy"), "Always"),
    "images.pullSecrets": Case(["pull"], (API, "spec template spec imagePullSecrets"), [{"name": "pull"}]),
    "settings.secretName": _kubernetes("mine", "CALVE_KUBERNETES_SECRETS"),
    "settings.warehouse": _setting("s3://other/lake", "CALVE_WAREHOUSE"),
    "settings.catalogName": _setting("pond", "CALVE_CATALOG_NAME"),
    "settings.leaseSeconds": _setting(90, "CALVE_LEASE_SECONDS"),
    "settings.hashKeyId": _setting("k2", "CALVE_HASH_KEY_ID"),
    "settings.s3.endpoint": _setting("http://s3.example.com", "CALVE_S3_ENDPOINT"),
    "settings.s3.region": _setting("eu-west-1", "CALVE_S3_REGION"),
    "settings.source.maxConnections": _setting(9, "CALVE_SOURCE_MAX_CONNECTIONS"),
    "settings.source.maxSnapshotSeconds": _setting(60, "CALVE_SOURCE_MAX_SNAPSHOT_SECONDS"),
    "settings.snowflake.account": _setting("ORG-OTHER", "CALVE_SNOWFLAKE_ACCOUNT"),
    "settings.snowflake.host": _setting("sf.example.com", "CALVE_SNOWFLAKE_HOST"),
    "settings.snowflake.user": _setting("calve_prod", "CALVE_SNOWFLAKE_USER"),
    "settings.snowflake.workloadIdentity": _setting("AWS", "CALVE_SNOWFLAKE_WORKLOAD_IDENTITY"),
    "settings.snowflake.tokenFile": Case("/run/token", refused="expected one with workloadIdentity OIDC"),
    "settings.snowflake.database": _setting("OTHER", "CALVE_SNOWFLAKE_DATABASE"),
    "settings.snowflake.warehouse": _setting("BIG", "CALVE_SNOWFLAKE_WAREHOUSE"),
    "settings.snowflake.externalVolume": _setting("LAKE", "CALVE_SNOWFLAKE_EXTERNAL_VOLUME"),
    "settings.snowflake.catalogIntegration": _setting("STORE", "CALVE_SNOWFLAKE_CATALOG_INTEGRATION"),
    "spark.serviceAccount.create": Case(False, ("ServiceAccount/calve-spark", "metadata name")),
    "spark.serviceAccount.name": _kubernetes("spark", "CALVE_KUBERNETES_SERVICE_ACCOUNT"),
    "spark.serviceAccount.annotations": Case(
        {"role": "r"}, ("ServiceAccount/calve-spark", "metadata annotations"), {"role": "r"}
    ),
    "spark.localDirSize": _kubernetes("3Gi", "CALVE_KUBERNETES_LOCAL_DIR_SIZE"),
    "airflow.enabled": Case(False, (SCHEDULER, "metadata name")),
    "airflow.serviceAccount.create": Case(False, ("ServiceAccount/calve-airflow", "metadata name")),
    "airflow.serviceAccount.name": Case("mine", (SCHEDULER, "spec template spec serviceAccountName"), "mine"),
    "airflow.serviceAccount.annotations": Case(
        {"role": "r"}, ("ServiceAccount/calve-airflow", "metadata annotations"), {"role": "r"}
    ),
    "airflow.otherAccounts": Case(
        [{"name": "worker", "namespace": "elsewhere"}],
        ("RoleBinding/calve-airflow", "subjects 1"),
        {"kind": "ServiceAccount", "name": "worker", "namespace": "elsewhere"},
    ),
    "airflow.secretName": Case("mine", (SCHEDULER, f"{CONTAINER} envFrom 2 secretRef name"), "mine"),
    "airflow.keysSecretName": Case("mine", (SCHEDULER, f"{CONTAINER} env 0 valueFrom secretKeyRef name"), "mine"),
    "airflow.users": _airflow({"ann": "viewer"}, "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS", "admin:admin,ann:viewer"),
    "airflow.url": _airflow("https://a.example.com", "AIRFLOW__API__BASE_URL"),
    "airflow.sourceSlots": Case(7, ("Job/calve-migrate", f"{CONTAINER} args 5"), "7"),
    "airflow.pausedAtCreation": _airflow(False, "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION"),
    "airflow.runsBySchedule": _airflow(False, "AIRFLOW__SCHEDULER__USE_JOB_SCHEDULE"),
    "airflow.parallelism": _airflow(3, "AIRFLOW__CORE__PARALLELISM"),
    "airflow.config": _airflow({"AIRFLOW__API__WORKERS": "2"}, "AIRFLOW__API__WORKERS", "2"),
    "airflow.nodeSelector": Case({"pool": "a"}, (API, "spec template spec nodeSelector"), {"pool": "a"}),
    "airflow.tolerations": Case(
        [{"key": "k", "operator": "Exists"}],
        (API, "spec template spec tolerations"),
        [{"key": "k", "operator": "Exists"}],
    ),
    "airflow.migration.resources": Case(SIZES, ("Job/calve-migrate", f"{CONTAINER} resources"), SIZES),
    "airflow.logs.folder": _airflow("s3://logs/a", "AIRFLOW__LOGGING__REMOTE_BASE_LOG_FOLDER"),
    "airflow.ingress.enabled": Case(True, refused="airflow.ingress.host: not set"),
    "airflow.ingress.className": Case(
        "nginx", ("Ingress/calve-api-server", "spec ingressClassName"), "nginx", given=ON["ingress"]
    ),
    "airflow.ingress.host": Case(
        "b.example.com", ("Ingress/calve-api-server", "spec rules 0 host"), "b.example.com", given=ON["ingress"]
    ),
    "airflow.ingress.tlsSecretName": Case(
        "tls", ("Ingress/calve-api-server", "spec tls 0 secretName"), "tls", given=ON["ingress"]
    ),
    "airflow.ingress.annotations": Case(
        {"a": "b"}, ("Ingress/calve-api-server", "metadata annotations"), {"a": "b"}, given=ON["ingress"]
    ),
    "airflow.alerts.source": _kubernetes("prod", "CALVE_ALERTS_SOURCE"),
    "airflow.alerts.smtp.host": _kubernetes("m.example.com", "CALVE_ALERTS_SMTP_HOST"),
    "airflow.alerts.smtp.port": _kubernetes(25, "CALVE_ALERTS_SMTP_PORT", given=ON["smtp"]),
    "airflow.alerts.smtp.from": _kubernetes("a@example.com", "CALVE_ALERTS_SMTP_FROM", given=ON["smtp"]),
    "airflow.alerts.smtp.user": _kubernetes("ann", "CALVE_ALERTS_SMTP_USER", given=ON["smtp"]),
    "airflow.alerts.smtp.tls": _kubernetes("implicit", "CALVE_ALERTS_SMTP_TLS", given=ON["smtp"]),
    "history.enabled": Case(True, (HISTORY, "metadata name"), "calve-history"),
    "history.url": _kubernetes("https://h.example.com", "CALVE_KUBERNETES_HISTORY_URL", given=ON["history"]),
    "history.volume.existingClaim": _kubernetes("logs", "CALVE_KUBERNETES_EVENT_LOG_CLAIM", given=ON["history"]),
    "history.volume.storageClass": Case(
        "efs", ("PersistentVolumeClaim/calve-spark-history", "spec storageClassName"), "efs", given=ON["history"]
    ),
    "history.volume.accessMode": Case(
        "ReadWriteOnce",
        ("PersistentVolumeClaim/calve-spark-history", "spec accessModes 0"),
        "ReadWriteOnce",
        given=ON["history"],
    ),
    "history.volume.size": Case(
        "1Gi",
        ("PersistentVolumeClaim/calve-spark-history", "spec resources requests storage"),
        "1Gi",
        given=ON["history"],
    ),
    "history.keepDays": Case(
        3,
        (HISTORY, f"{CONTAINER} env 0 value"),
        "-Dspark.history.fs.logDirectory=file:///var/spark-events -Dspark.history.fs.cleaner.enabled=true "
        "-Dspark.history.fs.cleaner.maxAge=3d",
        given=ON["history"],
    ),
    "history.resources": Case(SIZES, (HISTORY, f"{CONTAINER} resources"), SIZES, given=ON["history"]),
    "networkPolicy.enabled": Case(False, (f"{POLICY}default-deny", "metadata name")),
    "networkPolicy.dnsNamespace": Case(
        "dns",
        (f"{POLICY}names", "spec egress 0 to 0 namespaceSelector matchLabels"),
        {"kubernetes.io/metadata.name": "dns"},
    ),
    "networkPolicy.apiServer.cidr": Case(
        "10.0.0.1/32", (f"{POLICY}driver-asks-the-cluster", "spec egress 0 to 0 ipBlock cidr"), "10.0.0.1/32"
    ),
    "networkPolicy.apiServer.ports": Case(
        [8443], (f"{POLICY}airflow-asks-the-cluster", "spec egress 0 ports"), [{"protocol": "TCP", "port": 8443}]
    ),
    "networkPolicy.outside": Case(
        [{"cidr": "10.0.0.0/8", "except": ["10.1.0.0/16"], "ports": [5432]}],
        (f"{POLICY}outside", "spec egress"),
        [
            {
                "to": [{"ipBlock": {"cidr": "10.0.0.0/8", "except": ["10.1.0.0/16"]}}],
                "ports": [{"protocol": "TCP", "port": 5432}],
            }
        ],
    ),
    "networkPolicy.uiNamespaces": Case(
        ["ingress"],
        (f"{POLICY}pages", "spec ingress 0 from 0 namespaceSelector matchExpressions 0 values"),
        ["ingress"],
    ),
    "networkPolicy.metricsNamespaces": Case(
        ["monitoring"],
        (f"{POLICY}spark", "spec ingress 1 from 0 namespaceSelector matchExpressions 0 values"),
        ["monitoring"],
    ),
    "metrics.otlpEndpoint": _airflow("http://p.example.com", "OTEL_EXPORTER_OTLP_ENDPOINT"),
    "metrics.podMonitor.enabled": Case(True, ("PodMonitor/calve-spark", "metadata name"), "calve-spark"),
    "metrics.podMonitor.labels": Case({"team": "a"}, ("PodMonitor/calve-spark", LABELS), "a", given=ON["monitor"]),
    "metrics.dashboard.enabled": Case(True, ("ConfigMap/calve-dashboard", "metadata name"), "calve-dashboard"),
    "metrics.dashboard.labels": Case({"team": "a"}, ("ConfigMap/calve-dashboard", LABELS), "a", given=ON["dashboard"]),
    "quota.hard": Case({"pods": "9"}, ("ResourceQuota/calve", "spec hard"), {"pods": "9"}),
    "quota.defaultMemory": Case("1Gi", ("LimitRange/calve", "spec limits 0 default memory"), "1Gi"),
    "podDisruptionBudget.enabled": Case(False, ("PodDisruptionBudget/calve-scheduler", "metadata name")),
    "development.enabled": Case(True, (POSTGRES, "metadata name"), "calve-dev-postgres"),
    "development.persistence.enabled": Case(
        True, (POSTGRES, "spec volumeClaimTemplates 0 metadata name"), "data", given=ON["development"]
    ),
    "development.persistence.storageClass": Case(
        "ssd", (POSTGRES, "spec volumeClaimTemplates 0 spec storageClassName"), "ssd", given=ON["volume"]
    ),
    "development.persistence.size": Case(
        "1Gi", (POSTGRES, "spec volumeClaimTemplates 0 spec resources requests storage"), "1Gi", given=ON["volume"]
    ),
    "development.resources": Case(SIZES, (POSTGRES, f"{CONTAINER} resources"), SIZES, given=ON["development"]),
}
for _value, _name in (
    ("apiServer", "api-server"),
    ("scheduler", "scheduler"),
    ("dagProcessor", "dag-processor"),
    ("triggerer", "triggerer"),
):
    _deployment = f"Deployment/calve-{_name}"
    CASES[f"airflow.{_value}.replicas"] = Case(3, (_deployment, "spec replicas"), 3)
    CASES[f"airflow.{_value}.resources"] = Case(SIZES, (_deployment, f"{CONTAINER} resources"), SIZES)
