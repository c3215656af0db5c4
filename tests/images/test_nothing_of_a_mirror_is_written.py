import subprocess
import sys
from pathlib import Path

import pytest
from images.given import build_options, pip_settings

# In two parts: no file of the repository may look as if it gave an index.
MORE, ONLY = "extra-index" + "-url", "index" + "-url"
SECRET_ADDRESS = "https://me:word@mirror.example.com/simple"


@pytest.fixture
def environment(tmp_path, monkeypatch):
    """A machine whose pip, apt and Ivy take everything from a mirror behind a proxy."""
    monkeypatch.setenv("HOME", str(tmp_path))
    given = {"PATH": "/usr/bin", "HOME": str(tmp_path), "PIP_INDEX_URL": SECRET_ADDRESS, "PIP_FIND_LINKS": "/wheels"}
    given |= {"https_proxy": "http://proxy.example.com:3128"}
    files = {"SSL_CERT_FILE": "ca.pem", "CALVE_IVY_SETTINGS": "ivy.xml", "CALVE_APT_SOURCES": "apt.list"}
    for name, file in files.items():
        (tmp_path / file).write_text(name)
        given[name] = str(tmp_path / file)
    return given


def secrets_of(options):
    found = [option.removeprefix("--secret=id=") for option in options if option.startswith("--secret=")]
    return {name: Path(path) for name, path in (each.split(",src=") for each in found)}


def test_a_build_gets_what_the_machine_knows_as_secrets(environment):
    with build_options(environment) as options:
        found = {name: path.read_text() for name, path in secrets_of(options).items()}

    assert found == {
        "pip": f"[global]\n{ONLY} = {SECRET_ADDRESS}\n",
        "ca": "SSL_CERT_FILE",
        "ivy": "CALVE_IVY_SETTINGS",
        "apt-sources": "CALVE_APT_SOURCES",
    }


def test_no_address_is_among_the_words_of_the_command(environment):
    with build_options(environment) as options:
        assert [each for each in options if "example.com" in each] == []
        assert "--build-arg=https_proxy" in options


def test_what_was_written_for_a_build_ends_with_it(environment):
    with build_options(environment) as options:
        written = secrets_of(options)["pip"]
        assert written.exists()

    assert not written.exists()


def test_a_machine_that_knows_nothing_gives_an_empty_pip_conf(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))

    with build_options({"PATH": "/usr/bin", "HOME": str(tmp_path), "PIP_CONFIG_FILE": "/dev/null"}) as options:
        assert {name: path.read_text() for name, path in secrets_of(options).items()} == {"pip": "[global]\n"}


def test_what_pip_lists_last_wins_and_paths_of_the_machine_stay_here():
    listed = "global.index-url='https://a/simple'\nglobal.find-links='/wheels'\n:env:.index-url='https://b/simple'\n"

    assert pip_settings(listed) == f"[global]\n{ONLY} = https://b/simple\n"


def test_several_addresses_become_one_line():
    listed = f"global.{MORE}='https://a/simple https://b/simple'\n"

    assert pip_settings(listed) == f"[global]\n{MORE} = https://a/simple https://b/simple\n"


@pytest.mark.parametrize("name", ["spark", "airflow", "dev"])
def test_a_dockerfile_names_no_place_that_packages_come_from(name):
    lines = (Path(__file__).parents[2] / "images" / name / "Dockerfile").read_text().lower().splitlines()

    assert [
        line for line in lines if "://" in line or "index-url" in line or line.startswith(("# syntax", "add "))
    ] == []


@pytest.mark.parametrize("name", ["spark", "airflow", "dev"])
def test_the_last_stage_begins_with_nothing_and_runs_as_nobody_special(name):
    text = (Path(__file__).parents[2] / "images" / name / "Dockerfile").read_text()
    last = text[text.rindex("\nFROM ") :].strip().splitlines()

    assert last[0] == "FROM scratch"
    assert [line for line in last if line.startswith("RUN")] == []
    assert [line for line in last if line.startswith("USER")] == ["USER 10001:10001"]


def test_without_an_engine_a_build_says_what_is_missing():
    command = ["-m", "images.build", "spark"]
    root = Path(__file__).parents[2]
    nowhere = {"PATH": "/usr/bin:/bin", "DOCKER_HOST": "tcp://127.0.0.1:1"}
    done = subprocess.run(
        [sys.executable, *command], cwd=root, env=nowhere, capture_output=True, text=True, check=False
    )

    assert (done.returncode, done.stdout) == (65, "")
    assert done.stderr.startswith("images: no Docker engine answers (")
