import socket

import boto3
import psycopg
import pytest

from cluster.binary import give_up
from cluster.settling import until

PORTS = (5432, 7070, 8084)
PASSWORD = "word"
ADDRESS = "postgresql://{}:word@127.0.0.1:5432/{}"


@pytest.fixture(scope="module")
def parts(engine, image):
    """All parts of the development image, as the chart starts them, on this machine's own network."""
    if engine.network != "host" or any(is_open(port) for port in PORTS):
        give_up("the parts' ports are taken on this machine, or its engine has a network of its own")
    volume = engine.docker("volume", "create").strip()
    names = {}
    try:
        for part in ("postgres", "s3", "snowflake"):
            names[part] = start(engine, image("dev"), volume, part)
        for port in PORTS:
            until(lambda port=port: is_open(port), f"port {port} is open", 60)
        until(answers, "the database answers", 60)
        yield names
    finally:
        for name in names.values():
            engine.docker("rm", "--force", name)
        engine.docker("volume", "rm", volume)


def start(engine, reference, volume, part):
    pod = ["--detach", "--read-only", "--network", "host", "--tmpfs", "/tmp:mode=1777", "--cap-drop", "ALL"]
    given = {"CALVE_DEV_PASSWORD": PASSWORD, "CALVE_S3_ENDPOINT": "http://127.0.0.1:7070"}
    words = [f"--env={key}={value}" for key, value in given.items()]
    mounted = ["--volume", f"{volume}:/var/lib/calve", "--entrypoint", "calve-dev"]
    return engine.docker("run", *pod, *words, *mounted, reference, part).strip()


def is_open(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.mark.parametrize(
    ("role", "database"),
    [("airflow", "airflow"), ("calve", "calve"), ("shop_admin", "source"), ("shop_reader", "source")],
)
def test_each_role_has_its_database(parts, role, database):
    with psycopg.connect(ADDRESS.format(role, database)) as connection:
        assert connection.execute("select current_user").fetchone() == (role,)


def test_a_source_is_filled_and_its_reader_reads_it(parts, engine):
    engine.docker(
        *("exec", "--env", "CALVE_SOURCE_ADMIN_URL=" + ADDRESS.format("shop_admin", "source"), parts["postgres"]),
        *("calve-dev", "fill", "--until", "2025-01-03", "--scale", "0.05"),
    )

    with psycopg.connect(ADDRESS.format("shop_reader", "source")) as reader:
        assert reader.execute("select count(*) > 0 from sales_order").fetchone() == (True,)


def test_the_bucket_of_the_lake_is_there_and_an_object_is_never_overwritten_unasked(parts):
    store = boto3.client(
        "s3",
        endpoint_url="http://127.0.0.1:7070",
        aws_access_key_id="calve",
        aws_secret_access_key=PASSWORD,
        region_name="us-east-1",
    )
    store.put_object(Bucket="calve-lake", Key="lake/a", Body=b"1", IfNoneMatch="*")

    with pytest.raises(store.exceptions.ClientError, match="PreconditionFailed"):
        store.put_object(Bucket="calve-lake", Key="lake/a", Body=b"2", IfNoneMatch="*")
    assert store.get_object(Bucket="calve-lake", Key="lake/a")["Body"].read() == b"1"


def test_a_database_that_was_killed_comes_back_with_its_rows(parts, engine):
    with psycopg.connect(ADDRESS.format("calve", "calve")) as connection:
        connection.execute("create table kept (id int)")

    engine.docker("kill", parts["postgres"])
    engine.docker("start", parts["postgres"])
    until(answers, "the database answers", 60)

    with psycopg.connect(ADDRESS.format("calve", "calve")) as connection:
        assert connection.execute("select count(*) from kept").fetchone() == (0,)


def answers():
    try:
        psycopg.connect(ADDRESS.format("calve", "calve")).close()
    except psycopg.OperationalError:
        return False
    return True
