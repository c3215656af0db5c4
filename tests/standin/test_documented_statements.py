"""The corpus: statements after Snowflake's documentation, each accepted, refused by name, or an error.

A line before each statement says which: `accepted`, `refused: <what the refusal names>`, `error: <number>`.
Every statement starts from the same state; `{path}` is the metadata file of the table ORDERS.
"""

import re
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pytest
from standing_in import SETUP, iceberg_table, new_lake

from calve.standin.snowflake import failures, statements
from calve.standin.snowflake.session import Session
from calve.standin.snowflake.statements.context import Context
from calve.standin.snowflake.store import Store

CORPUS = Path(__file__).parent / "corpus"
STATEMENT = re.compile(r"-- (accepted|refused: .+|error: \d+)\n((?:(?!-- ).+\n)+)")
READY = (
    "create table lake.live.sales (day date, amount number(12,2), note varchar)",
    "create view lake.reporting.daily as select day, amount from lake.live.sales",
    "create role reader",
    "create role deployer",
    "create masking policy lake.reporting.mask as (val varchar) returns varchar -> '***'",
    "use schema lake.live",
)


@dataclass(frozen=True)
class Documented:
    """One statement and what must become of it."""

    outcome: str
    sql: str


def documented():
    for file in sorted(CORPUS.glob("*.sql")):
        for page, body in re.findall(r"-- page: (.+)\n((?:(?!-- page: ).*\n?)+)", file.read_text()):
            for number, (outcome, sql) in enumerate(STATEMENT.findall(body), start=1):
                yield pytest.param(Documented(outcome, sql), id=f"{page} {number}")


@pytest.fixture(scope="module")
def prepared(engine, tmp_path_factory, s3_endpoint):
    """A store with one of everything, a worker, and the path of ORDERS' metadata."""
    lake = new_lake(s3_endpoint, tmp_path_factory.mktemp("lake"), "calve-corpus")
    path = lake.write("orders", pa.table({"id": pa.array([1], pa.int64()), "note": ["x"]}))
    store, worker = Store(None), engine.worker()
    with store.change() as state:
        state.users["ADA"] = frozenset({"ACCOUNTADMIN"})
    session = Session("token", "ADA", "ACCOUNTADMIN", worker)
    setup = [statement.replace("calve-standin", "calve-corpus") for statement in SETUP]
    for statement in (*setup, iceberg_table("lake.live.orders", path), *READY):
        statements.run(statement, Context(store, session, "query"))
    yield store, worker, path
    worker.close()


@pytest.mark.parametrize("statement", documented())
def test_a_documented_statement_is_accepted_refused_by_name_or_an_error(prepared, statement):
    known, worker, path = prepared
    store = Store(None, known.current)
    session = Session("token", "ADA", "ACCOUNTADMIN", worker, database="LAKE", schema="LIVE")
    verdict, _, detail = statement.outcome.partition(": ")
    sql = statement.sql.strip().removesuffix(";").replace("{path}", path)
    if verdict == "accepted":
        statements.run(sql, Context(store, session, "query"))
        return
    with pytest.raises(failures.SqlError) as failed:
        statements.run(sql, Context(store, session, "query"))
    if verdict == "refused":
        assert failed.value.message.startswith("calve stand-in does not model ")
        assert detail in failed.value.message
    else:
        assert failed.value.errno == int(detail)
    assert store.current is known.current


def test_the_corpus_is_read_whole():
    written = sum(file.read_text().count(";\n") for file in CORPUS.glob("*.sql"))
    assert len(list(documented())) == written
