"""A reply that is lost is never guessed about: the record says what happened, and once is once."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from lossy_proxy import Fault, LossyProxy
from pydantic import SecretStr
from small_lake import Lake, day

from calve.errors import LakeUnavailableError
from calve.lake.catalog import table_state
from calve.lake.publication import PUBLISH_LOCK, history, publish
from calve.lake.records import connect
from calve.settings import Settings


@pytest.fixture
def through(settings: Settings, postgres: Path) -> Iterator:
    """Settings whose database is reached through a proxy with a fault."""
    proxies = []

    def build(fault: Fault, *, then_down: bool = False) -> tuple[Settings, LossyProxy]:
        proxy = LossyProxy(postgres, fault, then_down=then_down)
        proxies.append(proxy)
        database = settings.catalog_url.get_secret_value().partition("@/")[2].partition("?")[0]
        url = f"postgresql://postgres@127.0.0.1:{proxy.port}/{database}?sslmode=disable&gssencmode=disable"
        return settings.model_copy(update={"catalog_url": SecretStr(url)}), proxy

    yield build
    for proxy in proxies:
        proxy.close()


@pytest.mark.parametrize(
    "fault", [pytest.param("reply lost", id="applied"), pytest.param("commit lost", id="not applied")]
)
def test_the_commit_happens_exactly_once_whichever_way_its_reply_was_lost(lake: Lake, through, fault: Fault):
    lease = lake.lease()
    lake.stage(day(1), lease)
    lossy, proxy = through(fault)
    with connect(lossy) as conn:
        published = publish(lossy, conn, day(1), lease.epoch)
        assert conn.closed
    assert proxy.done.is_set()
    assert [each.number for each in history(lake.conn)] == [published.number] == [1]
    for table in published.tables:
        assert table_state(lake.catalog, table.name).metadata_location == table.metadata_location
    assert lake.runs_in("curated.a") == lake.runs_in("curated.b") == [day(1).key]


@pytest.mark.parametrize(
    ("fault", "applied"),
    [pytest.param("reply lost", True, id="applied"), pytest.param("commit lost", False, id="not applied")],
)
def test_a_publisher_that_cannot_learn_the_outcome_says_so_and_the_rerun_finds_it(
    lake: Lake, through, fault: Fault, applied: bool
):
    lease = lake.lease()
    lake.stage(day(1), lease)
    lossy, _ = through(fault, then_down=True)
    with connect(lossy) as conn, pytest.raises(LakeUnavailableError):
        publish(lossy, conn, day(1), lease.epoch)
    with lake.conn.transaction():
        # Granted when PostgreSQL has ended the lost transaction, either way.
        lake.conn.execute("select pg_advisory_xact_lock(%s)", (PUBLISH_LOCK,))
    assert len(history(lake.conn)) == (1 if applied else 0)
    published = publish(lake.settings, lake.conn, day(1), lease.epoch)
    assert [each.number for each in history(lake.conn)] == [published.number] == [1]
    assert lake.runs_in("curated.a") == lake.runs_in("curated.b") == [day(1).key]


def test_a_later_publication_after_a_lost_reply_is_not_undone(lake: Lake, through):
    lease = lake.lease()
    lake.stage(day(1), lease)
    lossy, _ = through("reply lost", then_down=True)
    with connect(lossy) as conn, pytest.raises(LakeUnavailableError):
        publish(lossy, conn, day(1), lease.epoch)
    lake.give_back(lease)
    lake.run(day(2))
    pointers = {name: table_state(lake.catalog, name) for name in ("curated.a", "curated.b")}
    assert publish(lake.settings, lake.conn, day(1), lease.epoch).number == 1
    assert pointers == {name: table_state(lake.catalog, name) for name in ("curated.a", "curated.b")}
    assert lake.runs_in("curated.a") == [day(1).key, day(2).key]
