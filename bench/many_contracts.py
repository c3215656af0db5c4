"""A project of many contracts: this one, copied under other names, with a DAG file per pipeline."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

ROOT = Path(__file__).parents[1]
_DAG = 'from calve.airflow.dags import pipeline_dag\n\ndag = pipeline_dag("{pipeline}")\n'


def write_project(folder: Path, contracts: int) -> int:
    """Write at least so many contracts into an empty folder, with their sources, transforms, pipelines and DAG files.

    Returns:
        How many there are: whole copies of this project, all as big as it is.
    """
    shutil.copytree(ROOT / "iceberg", folder / "iceberg")
    shutil.copytree(ROOT / "spark_apps", folder / "spark_apps", ignore=shutil.ignore_patterns("__pycache__"))
    places = [folder / "iceberg" / "contracts", folder / "iceberg" / "sources", folder / "spark_apps" / "transforms"]
    texts = {path: path.read_text() for place in places for path in place.iterdir() if path.name != "__init__.py"}
    pipelines = folder / "iceberg" / "pipelines.yaml"
    declared = pipelines.read_text()
    names = sorted({path.stem for path in texts} | set(_names(declared)), key=len, reverse=True)
    # In the name of a function too, but not fields (`control_total:`) and domains, which the copies share.
    word = re.compile(
        rf"(?<!domain: )(?<![a-z0-9_])(?!^\w+:)((?:curate_|touched_)?(?:{'|'.join(names)}))(?![a-z0-9_])", re.M
    )
    of_one = sum(path.parent.name == "contracts" for path in texts)
    copies = -(-contracts // of_one)
    for number in range(1, copies):
        renamed = rf"\1_{number:02d}"
        for path, text in texts.items():
            path.with_name(f"{path.stem}_{number:02d}{path.suffix}").write_text(word.sub(renamed, text))
        pipelines.write_text(pipelines.read_text() + "\n" + word.sub(renamed, declared))
    (folder / "dags").mkdir()
    for pipeline in _names(pipelines.read_text()):
        (folder / "dags" / f"{pipeline}.py").write_text(_DAG.format(pipeline=pipeline))
    return copies * of_one


def _names(declared: str) -> list[str]:
    return re.findall(r"^- pipeline: (\w+)", declared, re.MULTILINE)
