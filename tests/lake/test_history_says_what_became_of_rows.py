"""`calve history --fates`: every run with its verdict, every source with its counts, blocked runs too."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner
from psycopg.types.json import Jsonb
from small_lake import day

from calve.cli.look import history
from calve.lake.attempts import Way
from calve.lake.lease import holders
from calve.lake.records import transaction

LANDED = {"a": {"orders": {"inserted": 1200, "unchanged": 30}}, "b": {"lines": {"quarantined": 2}, "prices": {}}}


@pytest.fixture
def ask(lake, conn, environment):
    """Publish day 1 and block day 2, each with the same fates; return a function that runs the command."""
    lake.run(day(1))
    lake.stage(day(2), lake.lease(), words={"b": "blocked"})
    with transaction(conn) as cursor:
        for dataset, fates in LANDED.items():
            cursor.execute("update calve.verdict set fates = %s where dataset = %s", (Jsonb(fates), dataset))
    return lambda *words: CliRunner().invoke(history, words, catch_exceptions=False).stdout


def test_each_run_is_told_with_its_verdict_and_each_source_with_its_counts(ask):
    table = ask("--fates").split("\n\n")[-1].splitlines()
    assert [" ".join(line.split()) for line in table] == [
        "run verdict source landed fates",
        "revenue@2026-01-02#0 blocked orders 1,230 1,200 inserted, 30 unchanged",
        "lines 2 2 quarantined",
        "prices 0 nothing landed",
        "revenue@2026-01-01#0 published 1 orders 1,230 1,200 inserted, 30 unchanged",
        "lines 2 2 quarantined",
        "prices 0 nothing landed",
    ]


def test_json_holds_the_same_counts(ask):
    told = json.loads(ask("--fates", "--json"))["fates"]
    assert told == dict.fromkeys(["revenue@2026-01-02#0", "revenue@2026-01-01#0"], LANDED["a"] | LANDED["b"])


def test_every_run_is_told_with_how_it_was_made(ask, lake):
    lake.stage(day(3), holders(lake.conn)["revenue"], words={"b": "blocked"}, way=Way("reprocess", ("a", "b")))
    told = [line.split() for line in ask().splitlines()]
    assert [line[-1] for line in told if line[:1] == ["1"]] == ["changes"]
    assert [line[-1] for line in told if line[:1] == ["revenue@2026-01-03#0"]] == ["reprocess:a,b"]
    found = json.loads(ask("--json"))
    assert [each["way"] for each in found["publications"]] == ["changes"]
    assert {each["run_key"]: each["way"] for each in found["unpublished"]}["revenue@2026-01-03#0"] == "reprocess:a,b"


def test_without_the_option_runs_are_listed_only_when_they_came_to_nothing(ask):
    assert "inserted" not in ask()
    assert "fates" not in json.loads(ask("--json"))
