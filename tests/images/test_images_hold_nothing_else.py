import json
import subprocess

import pytest

NAMES = ["spark", "airflow", "dev"]
NEVER = "apt apt-get dpkg dpkg-deb pip pip3 gcc cc g++ ld make go javac perl curl wget git ssh su sudo mount passwd"
CANARY = "canary-of-the-mirror"


@pytest.mark.parametrize("name", NAMES)
def test_nothing_in_it_installs_compiles_or_fetches(inside, name):
    assert inside(name, "bash", "-c", f"command -v {NEVER} || true") == ""


def test_what_installs_would_be_found(engine):
    told = engine.docker(
        "run", "--rm", "--network", "none", "debian:bookworm-slim", "bash", "-c", f"command -v {NEVER}"
    )

    assert {"/usr/bin/apt-get", "/usr/bin/dpkg", "/usr/bin/perl"} <= set(told.split())


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("module", ["pip", "ensurepip._bundled", "hatchling", "pytest"])
def test_its_python_has_no_such_module(inside, name, module):
    with pytest.raises(RuntimeError, match="No module named"):
        inside(name, "python", "-c", f"import {module}")


@pytest.mark.parametrize("name", NAMES)
def test_no_program_in_it_gives_another_user(inside, name):
    assert inside(name, "bash", "-c", "find / -xdev -perm /6000 -type f 2>/dev/null || true") == ""


@pytest.mark.parametrize("name", NAMES)
def test_nothing_in_it_belongs_to_everybody(inside, name):
    writable = (
        "find / -xdev ! -type l -perm -o+w ! -path '/tmp*' ! -path '/proc/*' ! -path '/dev/*' 2>/dev/null || true"
    )

    found = inside(name, "bash", "-c", writable).split()

    assert [path for path in found if path not in ("/run/lock", "/var/tmp")] == []


@pytest.mark.parametrize("name", NAMES)
def test_its_list_of_parts_is_written_with_it(engine, image, name):
    from images.build import build_and_tell
    from images.inputs import ROOT

    bill = json.loads((ROOT / build_and_tell(name, engine.environment).parts).read_text())

    kinds = {part["purl"].partition("/")[0] for part in bill["components"]}
    assert {"pkg:deb", "pkg:pypi"} <= kinds
    assert bill["metadata"]["component"]["bom-ref"] == image(name)
    assert len(bill["components"]) > 100


def test_the_list_of_the_spark_image_has_the_jars_of_the_lock_by_their_checksums(engine, image):
    from images.build import build_and_tell
    from images.inputs import ROOT

    bill = json.loads((ROOT / build_and_tell("spark", engine.environment).parts).read_text())
    lines = (ROOT / "requirements/jars.lock").read_text().splitlines()
    locked = {line.split()[0] for line in lines if not line.startswith("#")}

    held = {part["hashes"][0]["content"] for part in bill["components"] if "hashes" in part}
    assert len(locked) == 4
    assert locked <= held


def test_what_a_build_was_given_is_in_no_layer_and_not_in_the_history(engine, tmp_path):
    reference = f"calve-test/{CANARY[:6]}:1"
    build_with_canary(engine, reference, tmp_path)
    try:
        assert CANARY not in engine.docker("history", "--no-trunc", reference)
        assert CANARY not in engine.docker("image", "inspect", reference)
        assert not saved_holds(engine, reference, CANARY.encode())
        assert saved_holds(engine, reference, b"libpython3.11-stdlib")
    finally:
        engine.docker("image", "rm", reference)


def build_with_canary(engine, reference, folder):
    """Build an image anew, of one package, on a machine whose pip, apt and netrc have a name in them."""
    from images.given import build_options
    from images.go import built_by_go
    from images.inputs import ROOT, context

    files = {"pip.conf": f"[global]\ntrusted-host = {CANARY}\n", "apt.conf": f'Calve::Canary "{CANARY}";\n'}
    files |= {"netrc": f"machine {CANARY} login me password word\n"}
    for name, text in files.items():
        (folder / name).write_text(text)
    given = {"PIP_CONFIG_FILE": "pip.conf", "CALVE_APT_CONF": "apt.conf", "NETRC": "netrc"}
    environment = {**engine.environment, **{key: str(folder / file) for key, file in given.items()}}
    words = ["docker", "build", "--no-cache", "--file", "images/dev/Dockerfile", "--tag", reference]
    lock = (ROOT / "requirements/dev-image.txt").read_text()
    one_package = lock[lock.index("click==") : lock.index("cryptography==")]
    with build_options(environment) as options:
        # Of two files of one name in an archive, the later one is taken.
        packed = context("dev", beside={**built_by_go("dev"), "requirements/dev-image.txt": one_package.encode()})
        done = subprocess.run([*words, *options, "-"], input=packed, env=environment, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()[-2000:]


def saved_holds(engine, reference, wanted):
    """Tell whether the bytes are anywhere in the image as it is handed to others."""
    found, rest = False, b""
    command = ["docker", "save", reference]
    with subprocess.Popen(command, env=engine.environment, stdout=subprocess.PIPE) as saving:
        while read := saving.stdout.read(1 << 22):
            found = found or wanted in rest + read
            rest = read[-len(wanted) :]
    assert saving.returncode == 0
    return found
