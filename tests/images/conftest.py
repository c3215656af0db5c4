"""Images as they are built here. What needs a Docker engine runs when CALVE_TEST_CLUSTER is set."""

import os
import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parents[2]))

if not os.environ.get("CALVE_TEST_CLUSTER"):
    collect_ignore = [
        "test_an_engine_leaves_nothing.py",
        "test_images_hold_what_they_need.py",
        "test_images_hold_nothing_else.py",
        "test_dev_parts_serve.py",
    ]


@pytest.fixture(scope="package")
def engine():
    """A Docker engine; without one the tests are skipped, and fail in CI."""
    from cluster.binary import give_up
    from cluster.docker_engine import NoEngineError, docker_engine

    try:
        with docker_engine() as found:
            yield found
    except NoEngineError as error:
        give_up(str(error))


@pytest.fixture(scope="package")
def image(engine):
    """Return an image's reference by its name; it is built when it is not there."""
    from images.build import build

    return lambda name: build(name, engine.environment)


@pytest.fixture(scope="package")
def inside(engine, image):
    """Run a command in an image as pods run it: as 10001, with a root that nobody writes to, and without a network."""

    def run(name, *words, options=()):
        pod = ["--rm", "--read-only", "--network", "none", "--tmpfs", "/tmp:exec,mode=1777", "--cap-drop", "ALL"]
        pod += ["--tmpfs", "/opt/airflow:uid=10001,gid=10001"] if name == "airflow" else []
        return engine.docker("run", *pod, "--security-opt", "no-new-privileges", *options, image(name), *words)

    return run
