"""Source, catalog and object store: down, refusing, absent or full. Nothing is lost, and each is called by its name."""

from __future__ import annotations

import re
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest
from faulty_store import store_that_says
from machine import FIRST_DAYS, NEXT_DAY, Machine

from calve.errors import EX_DATAERR, EX_TEMPFAIL
from unused_ports import free_ports

pytestmark = [pytest.mark.spark, pytest.mark.local]
RUN = ("run", "revenue", "--until", NEXT_DAY)


def elsewhere(url: str) -> str:
    """Return the same address on a port that nobody listens on."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=f"{parts.netloc.rpartition(':')[0]}:{free_ports(1)[0]}"))


def with_another_password(url: str) -> str:
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=f"{parts.username}:guessed@{parts.hostname}:{parts.port}"))


def endpoint_of(made: Machine) -> str:
    return str(made.stored["s3_endpoint"])


def test_a_catalog_that_is_down(losing_nothing, refuses):
    url = elsewhere(losing_nothing.stored["catalog_url"])
    said = refuses(losing_nothing.calve(*RUN, CALVE_CATALOG_URL=url), EX_DATAERR)
    assert "PostgreSQL: the local engine does not answer" in said
    assert "`calve local up`" in said


def test_an_object_store_that_is_down_is_no_reason_to_wipe_a_given_one(losing_nothing, refuses):
    endpoint = elsewhere(losing_nothing.stored["s3_endpoint"])
    said = refuses(losing_nothing.calve(*RUN, CALVE_S3_ENDPOINT=endpoint), EX_TEMPFAIL)
    assert endpoint in said
    assert "CALVE_S3_ENDPOINT" in said
    assert "wipe" not in said


def test_wrong_credentials_are_no_reason_to_wipe_anything(losing_nothing, refuses):
    with store_that_says(endpoint_of(losing_nothing), 403, "InvalidAccessKeyId") as store:
        endpoint = store.url
        said = refuses(losing_nothing.calve(*RUN, CALVE_S3_ENDPOINT=endpoint), EX_DATAERR)
    assert "CALVE_S3_ACCESS_KEY_ID" in said
    assert "wipe" not in said


def test_a_bucket_that_is_absent(losing_nothing, refuses):
    ended = losing_nothing.calve(*RUN, CALVE_WAREHOUSE="s3://not-there/lake")
    said = refuses(ended, EX_DATAERR)
    assert "bucket not-there" in said


def test_a_store_that_is_full_while_staging(losing_nothing, refuses):
    """Raw lands in a folder of its own, so it is the first write of a curated table that finds no room."""
    with store_that_says(
        endpoint_of(losing_nothing), 507, "InsufficientStorage", method="PUT", holding="/curated/"
    ) as store:
        endpoint = store.url
        said = refuses(
            losing_nothing.calve("run", "reference", "--until", NEXT_DAY, CALVE_S3_ENDPOINT=endpoint), EX_TEMPFAIL
        )
        assert store.asked
    assert "507" in said or "InsufficientStorage" in said
    assert "un the same command again" in said


@pytest.mark.parametrize(
    ("change", "told"),
    [
        pytest.param(elsewhere, "refused", id="down"),
        pytest.param(with_another_password, "password authentication failed", id="wrong password"),
    ],
)
def test_a_source_that_refuses(losing_nothing, refuses, change, told):
    url = change(losing_nothing.stored["source_url"])
    said = refuses(losing_nothing.calve(*RUN, CALVE_SOURCE_URL=url), EX_TEMPFAIL)
    assert told in said
    assert "CALVE_SOURCE_URL" in said
    assert "guessed" not in said


def test_a_slow_source_ends_the_run_and_a_second_run_is_told_who_holds_the_lease(losing_nothing, refuses):
    """A lock on a source table keeps the first run waiting until the snapshot is as old as it may be."""
    with psycopg.connect(losing_nothing.stored["source_admin_url"]) as shop:
        shop.execute("lock table public.payment in access exclusive mode")
        first = losing_nothing.popen(*RUN, CALVE_SOURCE_MAX_SNAPSHOT_SECONDS="20")
        waiting = first.stdout.readline()
        while waiting and not waiting.startswith("spark "):
            waiting = first.stdout.readline()
        said = refuses(losing_nothing.calve(*RUN), EX_TEMPFAIL)
        assert "pipeline revenue: held by run revenue@" in said
        assert f"pid {first.pid}" in said
        out, err = first.communicate(timeout=300)
    assert first.returncode == EX_TEMPFAIL, out + err
    # Whichever of the limits on the snapshot's age comes first: of a statement, of idling, or our own clock's.
    assert re.search(
        r"(statement|idle-in-transaction) timeout|server closed the connection|snapshot is older than", out
    )
    assert "Traceback" not in out + err
    assert FIRST_DAYS in said
