"""Rows into PostgreSQL: COPY into an empty table, else COPY aside and INSERT ON CONFLICT.

Never commits; the caller's transaction does, so that a reader sees a whole day or nothing of it.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import partial

import pyarrow as pa
from psycopg import Connection, Cursor, sql
from psycopg.rows import TupleRow
from pyarrow import csv

from calve.standin.source.changes import Changes, Rows
from calve.standin.source.schema import PRIMARY_KEYS

_BATCH_ROWS = 50_000


@dataclass(frozen=True)
class Written:
    """Rows of one table that a step changed."""

    inserted: int = 0
    updated: int = 0
    deleted: int = 0


def write_changes(
    conn: Connection[TupleRow], changes: Changes, *, first: bool, corrected_at: datetime | None = None
) -> dict[str, Written]:
    """Write all changes; `first` says that the tables are empty. Returns what changed, per table.

    Args:
        corrected_at: As `upsert_rows` takes it.
    """
    write = insert_rows if first else partial(upsert_rows, corrected_at=corrected_at)
    written = {table: write(conn, table, rows) for table, rows in changes.rows.items()}
    if changes.gone_lines:
        gone = delete_lines(conn, changes.gone_lines)
        lines = written["sales_order_line"]
        written["sales_order_line"] = Written(lines.inserted, lines.updated, gone)
    return written


def insert_rows(conn: Connection[TupleRow], table: str, rows: Rows) -> Written:
    """Copy rows into a table that holds none of their keys."""
    with conn.cursor() as cursor:
        _copy(cursor, sql.Identifier("public", table), rows)
    return Written(inserted=len(rows))


def upsert_rows(conn: Connection[TupleRow], table: str, rows: Rows, *, corrected_at: datetime | None = None) -> Written:
    """Insert rows, and replace those whose keys are there.

    Args:
        corrected_at: Only rows that differ are written, and say that they changed then: whoever read the wrong ones
            must find the right ones.
    """
    if not len(rows):
        return Written()
    target, aside = sql.Identifier("public", table), sql.Identifier(f"new_{table}")
    with conn.cursor() as cursor:
        cursor.execute(sql.SQL("create temp table {} (like {}) on commit drop").format(aside, target))
        _copy(cursor, aside, rows)
        names = [column.name for column in cursor.execute(sql.SQL("select * from {}").format(aside)).description or ()]
        key = PRIMARY_KEYS[table]
        if corrected_at is not None:
            _keep_corrections(cursor, target, aside, key)
            if "updated_at" in names:
                cursor.execute(sql.SQL("update {} set updated_at = %s").format(aside), [corrected_at])
        statement = sql.SQL(
            "with written as (insert into {target} select * from {aside} on conflict ({key}) do update set {sets}"
            " returning (xmax = 0) as is_new) select count(*) filter (where is_new), count(*) from written"
        ).format(
            target=target,
            aside=aside,
            key=sql.SQL(", ").join(map(sql.Identifier, key)),
            sets=sql.SQL(", ").join(
                sql.SQL("{0} = excluded.{0}").format(sql.Identifier(name)) for name in names if name not in key
            ),
        )
        inserted, total = cursor.execute(statement).fetchone() or (0, 0)
        cursor.execute(sql.SQL("drop table {}").format(aside))
    return Written(inserted=inserted, updated=total - inserted)


def _keep_corrections(
    cursor: Cursor[TupleRow], target: sql.Identifier, aside: sql.Identifier, key: tuple[str, ...]
) -> None:
    equal_keys = sql.SQL(" and ").join(sql.SQL("aside.{0} = target.{0}").format(sql.Identifier(name)) for name in key)
    statement = sql.SQL(
        "delete from {} as aside using {} as target where {} and (aside.*) is not distinct from (target.*)"
    )
    cursor.execute(statement.format(aside, target, equal_keys))


def delete_lines(conn: Connection[TupleRow], keys: list[tuple[int, int]]) -> int:
    """Delete order lines by (order_id, line_no)."""
    return conn.execute(
        "delete from public.sales_order_line as line using unnest(%s::bigint[], %s::int[]) as gone (order_id, line_no)"
        " where line.order_id = gone.order_id and line.line_no = gone.line_no",
        [[order_id for order_id, _ in keys], [line_no for _, line_no in keys]],
    ).rowcount


def _copy(cursor: Cursor[TupleRow], target: sql.Identifier, rows: Rows) -> None:
    if isinstance(rows, list):
        with cursor.copy(sql.SQL("copy {} from stdin").format(target)) as copy:
            for row in rows:
                copy.write_row(row)
        return
    names = sql.SQL(", ").join(map(sql.Identifier, rows.column_names))
    with cursor.copy(sql.SQL("copy {} ({}) from stdin (format csv)").format(target, names)) as copy:
        for block in _csv(rows):
            copy.write(block)


def _csv(rows: pa.Table) -> Iterator[bytes]:
    options = csv.WriteOptions(include_header=False, quoting_style="needed")
    for start in range(0, len(rows), _BATCH_ROWS):
        buffer = io.BytesIO()
        csv.write_csv(rows.slice(start, _BATCH_ROWS), buffer, options)
        yield buffer.getvalue()
