import pytest

from calve.standin.local.java import java_home, java_version, spark_environment

RELEASE = 'JAVA_VERSION="{version}"\nMODULES="java.base {module}"\n'


@pytest.fixture(autouse=True)
def no_java(monkeypatch):
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", "")
    java_home.cache_clear()
    yield
    java_home.cache_clear()


@pytest.fixture
def installed(tmp_path):
    """Lay out a Java of a version and with a module, as its files look."""

    def lay_out(version, module="jdk.net"):
        (tmp_path / "bin").mkdir()
        (tmp_path / "bin" / "java").touch(mode=0o755)
        (tmp_path / "release").write_text(RELEASE.format(version=version, module=module))
        return tmp_path

    return lay_out


def test_a_machine_without_java_uses_the_wheels():
    assert java_home().name == "java-runtime"
    assert java_version(java_home()).startswith("21.")


def test_the_machines_java_17_is_used(installed, monkeypatch):
    home = installed("17.0.15")
    monkeypatch.setenv("JAVA_HOME", str(home))
    assert java_home() == home


def test_a_java_on_path_is_followed_to_its_home(installed, monkeypatch, tmp_path):
    home = installed("17.0.15")
    (tmp_path / "links").mkdir()
    (tmp_path / "links" / "java").symlink_to(home / "bin" / "java")
    monkeypatch.setenv("PATH", str(tmp_path / "links"))
    assert java_home() == home


@pytest.mark.parametrize(("version", "module"), [("11.0.2", "jdk.net"), ("25.0.3", "jdk.net"), ("17.0.9", "jdk.jfr")])
def test_a_java_that_spark_does_not_run_on_is_passed_over(installed, monkeypatch, version, module):
    monkeypatch.setenv("JAVA_HOME", str(installed(version, module)))
    assert java_home().name == "java-runtime"


def test_spark_gets_its_java_and_the_version_that_deequ_asks_for():
    environment = spark_environment()
    assert environment["JAVA_HOME"] == str(java_home())
    assert environment["SPARK_VERSION"] == "3.5"
