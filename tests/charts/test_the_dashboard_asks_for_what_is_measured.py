import json
import re
from pathlib import Path

import airflow
import yaml

from charts.rendering import CHART, Loader

# How Prometheus writes a counter that it is sent by OTLP.
COUNTED = "_total"


def asked():
    panels = json.loads((CHART / "dashboards/calve.json").read_text())["panels"]
    return {
        name for panel in panels for each in panel["targets"] for name in re.findall(r"\bairflow_\w+", each["expr"])
    }


def measured():
    registry = Path(airflow.__file__).parent / "_shared/observability/metrics/metrics_template.yaml"
    for each in yaml.load(registry.read_text(), Loader)["metrics"]:
        name = f"airflow_{each['name'].replace('.', '_')}"
        yield f"{name}{COUNTED}" if each["type"] == "counter" else name


def test_every_metric_of_airflow_in_the_dashboard_is_one_that_airflow_sends():
    assert asked() - set(measured()) == set()
    assert asked()
