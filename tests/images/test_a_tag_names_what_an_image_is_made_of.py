import io
import subprocess
import tarfile

import pytest
from images.inputs import IMAGES, commit_of, context, inputs_of, sources_of, tag_of

DOCKERFILE = """
FROM base AS build
RUN --mount=type=bind,source=tool.sh,target=/run/tool.sh /run/tool.sh
COPY --chmod=755 src/one.py \\
    src/part /made/
FROM scratch
COPY --from=build /made /
"""


@pytest.fixture
def project(tmp_path):
    """A repository with one image, whose Dockerfile takes some of its files."""
    files = {"images/spark/Dockerfile": DOCKERFILE, "tool.sh": "t", "src/one.py": "1", "src/part/two.py": "2"}
    files |= {"src/other.py": "3", ".gitignore": "*.pyc\n"}
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    git(tmp_path, "init", "-q")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-q", "-m", "all")
    return tmp_path


def git(folder, *words):
    named = ["-c", "user.name=t", "-c", "user.email=t@example.com"]
    done = subprocess.run(["git", *named, *words], cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.mark.parametrize("changed", ["images/spark/Dockerfile", "tool.sh", "src/one.py", "src/part/two.py"])
def test_another_byte_of_an_input_gives_another_tag(project, changed):
    before = tag_of("spark", project)

    (project / changed).write_text((project / changed).read_text() + "#")

    assert tag_of("spark", project) != before


def test_a_new_file_in_a_folder_that_is_taken_gives_another_tag(project):
    before = tag_of("spark", project)

    (project / "src/part/three.py").write_text("3")

    assert tag_of("spark", project) != before


def test_an_input_that_becomes_executable_gives_another_tag(project):
    before = tag_of("spark", project)

    (project / "tool.sh").chmod(0o755)

    assert tag_of("spark", project) != before


@pytest.mark.parametrize("changed", ["src/other.py", "src/part/two.pyc", "README.md"])
def test_a_file_that_is_not_taken_changes_no_tag(project, changed):
    before = tag_of("spark", project)

    (project / changed).write_text("other")

    assert tag_of("spark", project) == before


def test_a_build_is_handed_its_inputs_and_no_other_file(project):
    with tarfile.open(fileobj=io.BytesIO(context("spark", project))) as archive:
        assert archive.getnames() == ["images/spark/Dockerfile", "src/one.py", "src/part/two.py", "tool.sh"]


def test_the_same_inputs_are_handed_over_as_the_same_bytes(project):
    before = context("spark", project)

    (project / "src/one.py").touch()

    assert context("spark", project) == before


def test_a_copy_of_nothing_is_named(project):
    (project / "src/one.py").unlink()

    with pytest.raises(FileNotFoundError, match=r"takes src/one\.py, and no file"):
        tag_of("spark", project)


def test_the_commit_is_the_last_that_changed_an_input(project):
    first = git(project, "rev-parse", "HEAD")
    (project / "src/other.py").write_text("changed")
    git(project, "commit", "-q", "-a", "-m", "another file")

    assert commit_of("spark", project) == first


def test_a_commit_that_the_files_differ_from_says_so(project):
    (project / "src/one.py").write_text("changed")

    assert commit_of("spark", project) == git(project, "rev-parse", "HEAD") + "+changes"


def test_a_line_of_several_sources_is_read_whole():
    assert sources_of(DOCKERFILE) == ["tool.sh", "src/one.py", "src/part"]


@pytest.mark.parametrize(
    ("name", "other_half"),
    [
        ("spark", ("src/calve/airflow/", "src/calve/standin/snowflake/", "dags/", "tests/")),
        ("airflow", ("src/calve/spark/", "src/calve/warehouse/", "src/calve/standin/", "spark_apps/main.py", "tests/")),
        ("dev", ("src/calve/spark/", "src/calve/airflow/", "src/calve/lake/", "iceberg/", "tests/")),
    ],
)
def test_an_image_takes_its_own_half_only(name, other_half):
    assert [each.name for each in inputs_of(name) if each.name.startswith(other_half)] == []


def test_both_halves_take_the_same_contracts():
    covered = ("iceberg/", "spark_apps/transforms/", "src/calve/contract/")

    spark, airflow = ({e.name for e in inputs_of(name) if e.name.startswith(covered)} for name in ("spark", "airflow"))

    assert len(spark) > 30
    assert spark == airflow


def test_every_image_has_a_tag_of_12_digits():
    assert [len(tag_of(name)) for name in IMAGES] == [12, 12, 12]


def test_the_chart_is_told_the_same_tags_under_the_registrys_names():
    from images.build import helm_options

    assert helm_options("registry.example.org/team/").split() == [
        word
        for name in IMAGES
        for word in (
            *("--set-string", f"images.{name}.repository=registry.example.org/team/{name}"),
            *("--set-string", f"images.{name}.tag={tag_of(name)}"),
        )
    ]


def test_without_a_registry_the_chart_is_told_the_images_own_names():
    from images.build import helm_options

    assert f"images.spark.repository=calve/spark --set-string images.spark.tag={tag_of('spark')}" in helm_options("")
