"""The expected content of curated tables and views, computed by PostgreSQL from the shop's own tables.

Written from `iceberg/metrics.md` and the contracts' descriptions, never from the transforms or views. It knows one
state only, the source's present one: fill the source to `until` before asking. It knows no quarantine: ask about clean
or repaired sources.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Any

import psycopg
from psycopg.rows import dict_row

FOLDER = Path(__file__).parent
NAMES = tuple(sorted(path.stem for path in FOLDER.glob("*.sql")))

Row = dict[str, Any]


def expected(
    conn: psycopg.Connection[Any],
    name: str,
    since: date,
    until: date,
    *,
    key: Callable[[int], str] = str,
) -> list[Row]:
    """Return every row of a curated table or view as it should be.

    Args:
        conn: Connection to the source database.
        since: First UTC date that was loaded.
        until: UTC date after the last one that was loaded.
        key: Keyed hash of an account, as the lake's key makes it.

    Returns:
        One row per grain, in no order. Instants are in UTC; `verified_through` and the engine's columns are absent.
    """
    bounds = {"since": _midnight(since), "until": _midnight(until)}
    with conn.transaction(), conn.cursor(row_factory=dict_row) as cursor:
        cursor.execute("set local time zone 'UTC'")
        rows = cursor.execute(_text(name).encode(), bounds).fetchall()
    for row in rows:
        if "account_key" in row:
            row["account_key"] = key(row["account_key"])
    return rows


def _text(name: str) -> str:
    """Return a file's query, with the queries that it names in braces put in."""
    query = (FOLDER / f"{name}.sql").read_text()
    return re.sub(r"\{(\w+)\}", lambda match: _text(match[1]), query)


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)
