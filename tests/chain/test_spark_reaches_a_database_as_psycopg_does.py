"""One address means the same to psycopg and to Spark: server, database, role, and how the connection is kept safe."""

from urllib.parse import parse_qs, urlsplit

import pytest
from pydantic import SecretStr

from calve.errors import SettingsError
from calve.settings import Settings
from calve.spark.session import configuration, jdbc_of

PASSWORD = "se" + "cret"
SAFE = "sslmode=verify-full&sslrootcert=%2Fetc%2Fca%20s.pem&sslcert=/etc/c%2Bme.pem&sslkey=/etc/me.key"
MEANT = {
    "sslmode": ["verify-full"],
    "sslrootcert": ["/etc/ca s.pem"],
    "sslcert": ["/etc/c+me.pem"],
    "sslkey": ["/etc/me.key"],
}


def parameters(address: str) -> dict[str, list[str]]:
    return parse_qs(urlsplit(address.removeprefix("jdbc:")).query, strict_parsing=True)


def test_an_address_is_split_into_server_role_and_password():
    found = jdbc_of(f"postgresql://me%40home:{PASSWORD}%25@db.example:6432/shop")
    assert found == ("jdbc:postgresql://db.example:6432/shop", "me@home", f"{PASSWORD}%")


def test_the_usual_port_need_not_be_named():
    assert jdbc_of("postgresql://me@db.example/shop") == ("jdbc:postgresql://db.example:5432/shop", "me", "")


def test_an_address_of_version_6_keeps_its_brackets():
    assert jdbc_of("postgresql://me@[::1]:6432/shop")[0] == "jdbc:postgresql://[::1]:6432/shop"


def test_what_keeps_a_connection_safe_is_asked_of_spark_too():
    address, _, _ = jdbc_of(f"postgresql://me:{PASSWORD}@db.example/shop?{SAFE}")
    assert parameters(address) == MEANT


def test_the_catalog_of_spark_is_reached_as_safely():
    settings = Settings(
        source_url=SecretStr("postgresql://me@db.example/shop"),
        catalog_url=SecretStr(f"postgresql://me:{PASSWORD}@db.example/lake?{SAFE}"),
        warehouse="s3://bucket/lake",
        hash_key=SecretStr("key"),
    )
    address = configuration(settings)["spark.sql.catalog.lake.uri"]
    assert parameters(address) == MEANT | {"currentSchema": ["public"]}
    assert PASSWORD not in address


def test_what_only_psycopg_knows_is_left_out():
    address, _, _ = jdbc_of("postgresql://me@db.example/shop?application_name=x&options=-c%20a%3Db&connect_timeout=3")
    assert address == "jdbc:postgresql://db.example:5432/shop"


@pytest.mark.parametrize(
    "url",
    [
        pytest.param(f"postgresql://me:{PASSWORD}@/shop?host=/run/postgresql", id="a socket, which Spark can't use"),
        pytest.param(f"postgresql://me:{PASSWORD}/x@db.example/shop", id="slash in the password"),
        pytest.param(f"postgresql://me:{PASSWORD}@db.example:one/shop", id="port that is no number"),
    ],
)
def test_what_spark_can_not_reach_is_told_without_a_word_of_the_address(url):
    with pytest.raises(SettingsError) as told:
        jdbc_of(url)
    assert PASSWORD not in f"{told.value!r} {told.value.__cause__!r}"
    assert "postgresql://user:password@host:port/database" in str(told.value)
