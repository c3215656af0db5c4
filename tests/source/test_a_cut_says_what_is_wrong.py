"""A source that refuses, drifts or goes away is told as such, and never with its password; no cut outlives its age."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from time import monotonic

import psycopg
import pytest
from psycopg import sql
from pydantic import SecretStr

from calve.contract.loader import load_project
from calve.contract.sources import Source
from calve.errors import SettingsError, SourceDriftError, SourceUnavailableError
from calve.settings import Settings
from calve.spark.cut import Cut, check_description, open_cut

READER = "shop_reader"
ROOT = Path(__file__).parents[2]
SECRET = "se" + "cret"
ANYTHING = sql.SQL("select 1")


def settings(url: str, *, age: int = 60) -> Settings:
    return Settings(
        source_url=SecretStr(url),
        source_max_snapshot_seconds=age,
        catalog_url=SecretStr("postgresql://unused"),
        warehouse="s3://bucket/lake",
        hash_key=SecretStr("key"),
    )


@pytest.fixture
def as_reader(shop: psycopg.Connection) -> str:
    """Address of the shop for the role that extracts."""
    shop.execute(f"grant pg_read_all_stats to {READER}")
    info = shop.info
    return f"postgresql://{READER}@/{info.dbname}?host={info.host}"


@pytest.fixture
def cut(as_reader: str) -> Iterator[Cut]:
    with open_cut(settings(as_reader)) as found:
        yield found


@pytest.fixture(scope="module")
def payment() -> Source:
    return load_project(ROOT).sources["payment"]


@pytest.fixture
def kill(shop: psycopg.Connection) -> Callable[[Cut], None]:
    """Return a function that ends the cut's connection at the server and waits until it is gone."""

    def end(cut: Cut) -> None:
        shop.execute("select pg_terminate_backend(%s, 10000)", [cut.connection.info.backend_pid])

    return end


def let_idle_time_out(cut: Cut, shop: psycopg.Connection) -> None:
    """Let the server end the cut's transaction because nothing was asked of it for so long."""
    cut.connection.execute("set local idle_in_transaction_session_timeout = 1")
    pid = cut.connection.info.backend_pid
    while shop.execute("select from pg_stat_activity where pid = %s", [pid]).fetchone():
        pass


def test_a_table_that_the_role_may_not_read_is_named_with_its_grant(shop, cut, payment):
    shop.execute(f"revoke select on public.payment from {READER}")
    with pytest.raises(SettingsError) as told:
        check_description(cut, payment)
    assert "source payment (table public.payment)" in str(told.value)
    assert f"GRANT SELECT ON public.payment TO {READER}" in str(told.value)


def test_only_columns_that_land_need_a_grant(shop, cut, payment):
    landed = ", ".join(column.name for column in payment.landed)
    shop.execute(f"revoke select on public.payment from {READER}")
    shop.execute(f"grant select ({landed}) on public.payment to {READER}")
    assert check_description(cut, payment) == ()

    shop.execute(f"revoke select (amount) on public.payment from {READER}")
    with pytest.raises(SettingsError, match=rf"GRANT SELECT \(amount\) ON public.payment TO {READER}"):
        check_description(cut, payment)


def test_a_schema_that_the_role_may_not_use_is_named_with_its_grant(shop, cut, payment):
    shop.execute(f"revoke usage on schema public from public, {READER}")
    with pytest.raises(SettingsError, match=f"GRANT USAGE ON SCHEMA public TO {READER}"):
        check_description(cut, payment)


def test_a_right_that_is_taken_away_meanwhile_is_told_with_table_and_role(shop, cut):
    shop.execute(f"revoke select on public.payment from {READER}")
    with pytest.raises(SettingsError, match=f"payment.*GRANT SELECT ON <table> TO {READER}"):
        cut.rows(sql.SQL("select count(*) from public.payment"))


def test_a_table_that_is_gone_is_drift(cut):
    with pytest.raises(SourceDriftError, match="no_such_table"):
        cut.rows(sql.SQL("select count(*) from public.no_such_table"))


def test_a_source_that_goes_away_is_unavailable(cut, kill):
    kill(cut)
    with pytest.raises(SourceUnavailableError):
        cut.rows(ANYTHING)


def test_a_cut_that_idled_too_long_is_unavailable(shop, cut):
    let_idle_time_out(cut, shop)
    with pytest.raises(SourceUnavailableError, match=r"idle-in-transaction timeout|server closed the connection"):
        cut.rows(ANYTHING)


def test_what_was_read_whole_is_not_lost_when_the_source_goes_away_then(shop, as_reader):
    with open_cut(settings(as_reader)) as cut:
        found = cut.rows(ANYTHING)
        let_idle_time_out(cut, shop)
    assert found == [(1,)]


def test_an_error_that_is_not_the_sources_is_not_called_so(as_reader):
    """Of the records, say: their own message must not be replaced by one that sends people to the source."""
    with pytest.raises(psycopg.errors.UniqueViolation), open_cut(settings(as_reader)):
        raise psycopg.errors.UniqueViolation


@pytest.mark.parametrize(
    "url",
    [
        pytest.param(f"postgresql://me:{SECRET}%zz@127.0.0.1:1/shop", id="percent sign in the password"),
        pytest.param(f"postgresql://me:x@{SECRET}@127.0.0.1:1/shop", id="at sign in the password"),
        pytest.param(f"postgresql://me:{SECRET}/x@127.0.0.1:1/shop", id="slash in the password"),
        pytest.param(f"postgresql://me:12/{SECRET}@127.0.0.1:1/shop", id="slash after a number in the password"),
        pytest.param(f"postgresql://me:{SECRET} x@127.0.0.1:1/shop", id="space in the password"),
        pytest.param(f"postgresql://me:{SECRET}@[::1/shop", id="bracket left open"),
        pytest.param(f"postgresql://me:{SECRET}@127.0.0.1:one/shop", id="port that is no number"),
        pytest.param(f"postgresql://me:{SECRET}@127.0.0.1:1/shop?sslmod=require", id="unknown parameter"),
        pytest.param(f"mysql://me:{SECRET}@127.0.0.1:1/shop", id="of another database"),
        pytest.param(SECRET, id="no address at all"),
        pytest.param("", id="empty"),
    ],
)
def test_a_malformed_address_is_told_without_a_word_of_it(url):
    with pytest.raises(SettingsError) as told, open_cut(settings(url)):
        pass
    assert "CALVE_SOURCE_URL" in str(told.value)
    assert "postgresql://user:password@host:port/database" in str(told.value)
    assert SECRET not in f"{told.value!r} {told.value.__cause__!r}"
    assert told.value.__suppress_context__


def test_a_password_with_signs_that_are_written_as_they_must_be_is_taken():
    url = f"postgresql://me:{SECRET}%25%40%2F@127.0.0.1:1/shop"
    with pytest.raises(SourceUnavailableError) as told, open_cut(settings(url)):
        pass
    assert SECRET not in str(told.value)


def test_a_cut_that_is_too_old_is_read_no_more(cut):
    old = replace(cut, began=cut.began - cut.max_age_seconds)
    with pytest.raises(SourceUnavailableError, match="older than the 60 s of CALVE_SOURCE_MAX_SNAPSHOT_SECONDS"):
        old.rows(ANYTHING)
    with pytest.raises(SourceUnavailableError):
        old.remaining_seconds()


def asked_again_and_again(url: str, *, age: int) -> None:
    began = monotonic()
    with open_cut(settings(url, age=age)) as cut:
        while monotonic() - began < 20:
            cut.rows(ANYTHING)


def test_questions_do_not_make_a_cut_younger(as_reader):
    with pytest.raises(SourceUnavailableError):
        asked_again_and_again(as_reader, age=1)


def test_a_reader_is_given_what_remains_and_never_no_limit(cut):
    assert 1 <= cut.remaining_seconds() <= cut.max_age_seconds
    assert replace(cut, began=cut.began - cut.max_age_seconds + 0.5).remaining_seconds() == 1


def test_the_server_ends_a_question_and_an_idle_cut_by_the_cuts_age(cut):
    """Each limit of the session is what remains of the whole age, so that together they are never more."""
    aged = replace(cut, began=cut.began - 50)
    limits = "select name, setting::int from pg_settings where name like %s or name like %s order by name"
    names = ("idle_in_transaction_session_timeout", "statement_timeout")
    found = dict(aged.rows(sql.SQL(limits), names))
    assert all(0 < found[name] <= 10_000 for name in names)


def test_a_reader_that_imports_the_snapshot_ends_with_the_cut(cut, as_reader):
    names = ["statement_timeout", "idle_in_transaction_session_timeout", "transaction_timeout"]
    aged = replace(cut, began=cut.began - 50)
    with psycopg.connect(as_reader) as reader:
        reader.execute("set transaction isolation level repeatable read read only")
        reader.execute(sql.SQL("set transaction snapshot {}").format(cut.snapshot))
        reader.execute(aged.limits().encode())
        found = dict(reader.execute("select name, setting::int from pg_settings where name = any(%s)", [names]))
    assert all(0 < found[name] <= 10_000 for name in names)
