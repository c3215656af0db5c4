"""Read from a source what changed, at the cut, in parallel, and nothing that may not leave it.

Columns that are dropped are never selected; hashed ones leave this module as keyed hashes only.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from psycopg import sql
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from calve.contract.scopes import Part
from calve.contract.sources import Source
from calve.contract.types import spark_type
from calve.settings import Settings
from calve.spark.cut import Cut
from calve.spark.session import jdbc_of

ROWS_PER_READER = 100_000
ALL_ROWS = sql.SQL("true")
_BLOCK = 64  # bytes, block size of SHA-256


@dataclass(frozen=True)
class Wanted:
    """What is to be read of a source.

    Attributes:
        lower: Changes from here on; None for whatever age.
        upper: End of the run's interval.
        part: Predicate of the run's scope.
    """

    lower: datetime | None
    upper: datetime
    part: sql.Composable


@dataclass(frozen=True)
class Spread:
    """How a read is shared out: among how many connections, and over which values of the key's first column."""

    readers: int
    low: Any
    high: Any


ONE_READER = Spread(1, None, None)


@dataclass(frozen=True)
class Extracted:
    """Rows of one source at the cut.

    Attributes:
        rows: Landed columns plus `_row_hash`; one row per source key.
        row_count: By the source's own count.
        sums: Column to sum, by the source's own arithmetic; over the same rows.
    """

    rows: DataFrame
    row_count: int
    sums: dict[str, Decimal]


def extract(
    session: SparkSession, settings: Settings, cut: Cut, source: Source, wanted: Wanted, *, readers: int
) -> Extracted:
    """Read what changed since `lower`, of the rows that were there or changed before `upper`.

    A row is read as it is at the cut: a source that is ahead of the interval can't be asked for its past, but a row
    that was there is not left out because it changed since. A table that is read whole is read as it is.
    """
    predicate = _predicate(source, wanted)
    first = source.key[0]
    numeric = next(c.type for c in source.columns if c.name == first) in ("int", "long")
    bounds = sql.SQL(", min({k}), max({k})").format(k=sql.Identifier(first)) if numeric else sql.SQL(", null, null")
    sums = sql.SQL("").join(sql.SQL(", coalesce(sum({}), 0)").format(sql.Identifier(c)) for c in source.totals)
    query = sql.SQL("select count(*){}{} from {} where {}").format(bounds, sums, _table(source), predicate)
    count, low, high, *totals = cut.rows(query)[0]
    spread = Spread(min(readers, 1 + count // ROWS_PER_READER), low, high)
    frame = _read(session, settings, cut, source, predicate=predicate, spread=spread)
    return Extracted(
        rows=pseudonymise(session, settings, source, frame),
        row_count=count,
        sums=dict(zip(source.totals, map(Decimal, totals), strict=True)),
    )


def predicate_of(part: Part) -> sql.Composable:
    """Return the condition that a row of the part's source fulfils, through the sources that it is part of."""
    *children, owner = part.path
    found: sql.Composable = sql.SQL("{} = {}").format(sql.Identifier(part.column), sql.Literal(part.value))
    parent = owner
    for child in reversed(children):
        by = sql.Identifier(child.part_of.by if child.part_of else "")
        found = sql.SQL("{by} in (select {by} from {table} where {found})").format(
            by=by, table=_table(parent), found=found
        )
        parent = child
    return found


def day_totals(cut: Cut, source: Source, since: datetime, part: sql.Composable) -> list[tuple[Any, ...]]:
    """Return `(UTC date, live rows, sums…)` per day of `compare_keys` from `since` on, at the source."""
    day = sql.Identifier(source.deletes.compare_keys or "")
    alive = sql.SQL("not {}").format(sql.Identifier(source.deletes.soft)) if source.deletes.soft else sql.SQL("true")
    sums = sql.SQL("").join(sql.SQL(", coalesce(sum({}), 0)").format(sql.Identifier(c)) for c in source.totals)
    query = sql.SQL(
        "select cast({day} at time zone 'UTC' as date), count(*){sums} from {table} "
        "where {alive} and {day} >= {since} and {part} group by 1"
    ).format(day=day, sums=sums, table=_table(source), alive=alive, since=sql.Literal(since), part=part)
    return cut.rows(query)


def on_days(source: Source, days: list[datetime]) -> sql.Composable:
    """Return the condition of rows on these UTC days of `compare_keys`."""
    day = sql.Identifier(source.deletes.compare_keys or "")
    return sql.SQL("cast({} at time zone 'UTC' as date) = any({})").format(day, sql.Literal(days))


def keys(
    session: SparkSession, settings: Settings, cut: Cut, source: Source, predicate: sql.Composable = ALL_ROWS
) -> DataFrame:
    """Return the keys that the source holds at the cut, soft-deleted ones too."""
    frame = _read(session, settings, cut, source, predicate=predicate, spread=ONE_READER)
    return pseudonymise(session, settings, source, frame).select(*source.landed_key)


def _table(source: Source) -> sql.Identifier:
    return sql.Identifier(*source.table.split("."))


def _predicate(source: Source, wanted: Wanted) -> sql.Composable:
    if source.extract == "whole":
        return wanted.part
    changed, created = sql.Identifier(source.changed_by), sql.Identifier(source.created_by or source.changed_by)
    # A row that says nothing of its change is read every time; its hash tells whether it is known.
    bounds = sql.SQL("({changed} is null or {changed} < {upper} or {created} < {upper})").format(
        changed=changed, created=created, upper=sql.Literal(wanted.upper.astimezone(UTC))
    )
    if wanted.lower is None:
        return sql.SQL("{} and {}").format(bounds, wanted.part)
    since = sql.SQL("({changed} is null or {changed} >= {lower})").format(
        changed=changed, lower=sql.Literal(wanted.lower.astimezone(UTC))
    )
    return sql.SQL("{} and {} and {}").format(bounds, since, wanted.part)


def _read(
    session: SparkSession,
    settings: Settings,
    cut: Cut,
    source: Source,
    *,
    predicate: sql.Composable,
    spread: Spread,
) -> DataFrame:
    address, user, password = jdbc_of(settings.source_url.get_secret_value())
    names = sql.SQL(", ").join(sql.Identifier(column.name) for column in source.landed)
    query = sql.SQL("(select {} from {} where {}) as extraction").format(names, _table(source), predicate)
    reader = (
        session.read.format("jdbc")
        .option("url", address)
        .option("user", user)
        .option("password", password)
        .option("driver", "org.postgresql.Driver")
        .option("dbtable", query.as_string(cut.connection))
        # Without a fetch size the driver commits by itself, leaves the snapshot and reads the moved source.
        .option("fetchsize", 10_000)
        .option("sessionInitStatement", _import_snapshot(cut))
    )
    if spread.readers > 1 and spread.low is not None:
        reader = (
            reader.option("partitionColumn", source.key[0])
            .option("lowerBound", spread.low)
            .option("upperBound", spread.high + 1)
            .option("numPartitions", spread.readers)
        )
    return reader.load()


def _import_snapshot(cut: Cut) -> str:
    # The fetch size has switched autocommit off, so these are the first statements of a transaction.
    return (
        "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY; "
        f"SET TRANSACTION SNAPSHOT '{cut.snapshot}'; {cut.limits()}; SET LOCAL timezone = 'UTC'"
    )


def pseudonymise(session: SparkSession, settings: Settings, source: Source, frame: DataFrame) -> DataFrame:
    """Cast to the declared types, hash what is to be hashed, add `_row_hash` over what lands."""
    if any(column.land == "hash" for column in source.landed):
        # As a relation, not as literals: Spark writes literals into plans, logs and event files.
        frame = frame.crossJoin(F.broadcast(_pads(session, settings)))
    columns = [
        keyed_hash(F.col(c.name), c.domain or "", settings.hash_key_id).alias(c.landed_name)
        if c.land == "hash"
        else F.col(c.name).cast(spark_type(c.type)).alias(c.name)
        for c in source.landed
    ]
    return frame.select(*columns).withColumn("_row_hash", row_hash([c.landed_name for c in source.landed]))


def _pads(session: SparkSession, settings: Settings) -> DataFrame:
    key = settings.hash_key.get_secret_value().encode()
    key = hashlib.sha256(key).digest() if len(key) > _BLOCK else key
    key = key.ljust(_BLOCK, b"\0")
    inner, outer = bytes(b ^ 0x36 for b in key), bytes(b ^ 0x5C for b in key)
    return session.createDataFrame([(bytearray(inner), bytearray(outer))], "_inner binary, _outer binary")


def keyed_hash(value: Column, domain: str, key_id: str) -> Column:
    """Return `<key id>:<HMAC-SHA256 of domain:value>` (RFC 2104), in hex; null stays null.

    Needs the columns `_inner` and `_outer`, the key's two pads.
    """
    message = F.concat(F.lit(f"{domain}:"), value.cast("string")).cast("binary")
    inner = F.unhex(F.sha2(F.concat(F.col("_inner"), message), 256))
    digest = F.sha2(F.concat(F.col("_outer"), inner), 256)
    return F.when(value.isNotNull(), F.concat(F.lit(f"{key_id}:"), digest))


def row_hash(names: list[str]) -> Column:
    """Return a SHA-256 over the named columns; their lengths keep values apart, and null from empty."""
    texts = [F.col(name).cast("string") for name in names]
    parts = [F.when(text.isNull(), "-").otherwise(F.concat(F.length(text), F.lit(":"), text)) for text in texts]
    return F.sha2(F.concat(*parts), 256)
