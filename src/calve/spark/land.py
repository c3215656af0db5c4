"""Append what changed in a source to its raw table, as one snapshot.

Rows whose hash is known land as nothing. Nothing is read of what was appended before the landings of all sources of
the run are recorded, together.
"""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from calve.contract.sources import Source
from calve.lake.landings import Landing, accepted_landings, watermark
from calve.spark.context import Context
from calve.spark.cut import Cut, check_description
from calve.spark.extract import Extracted, Wanted, extract
from calve.spark.gone import tombstones
from calve.spark.state import Accepted, latest, versions
from calve.spark.tables import Target, ensure_raw, raw, summary_json, write

logger = logging.getLogger(__name__)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def land(context: Context, cut: Cut, source: Source, *, connections: int) -> Landing:
    """Extract the source at the cut and append what is new to raw; the landing counts once it is recorded.

    Args:
        connections: To the source, at most; beside the cut's own.
    """
    warnings = check_description(cut, source)
    lower = _lower_bound(context, source)
    wanted = Wanted(lower, context.run.interval.until, context.predicate(source))
    taken = extract(context.session, context.settings, cut, source, wanted, readers=connections)
    rows = taken.rows.withColumn("_op", F.lit("U")).localCheckpoint()
    accepted = Accepted(tuple(accepted_landings(context.records, source.source)), "")
    fresh, reread = _without_known(context, source, rows, accepted, lower)
    gone = tombstones(context, cut, source, rows, accepted)
    facts = _facts(context, cut, source, lower, warnings) | _measure(rows, taken) | {"reread": reread}
    return _append(context, source, fresh.unionByName(gone) if gone is not None else fresh, facts)


def _lower_bound(context: Context, source: Source) -> datetime | None:
    mark = watermark(context.records, source.source)
    if mark is None or context.mode == "reload":
        return None
    return min(mark, context.run.interval.since) - source.lateness_span


def _facts(
    context: Context, cut: Cut, source: Source, lower: datetime | None, warnings: tuple[str, ...]
) -> dict[str, Any]:
    upper = context.run.interval.until
    return {
        "run_key": context.run.key,
        "source": source.source,
        "landing_id": f"{context.run.key}/{context.attempt}/{uuid4().hex[:8]}",
        "cut_at": cut.cut_at.astimezone(UTC).isoformat(),
        "lower": lower.isoformat() if lower else None,
        "upper": upper.isoformat(),
        "next_lower": min(upper, cut.oldest_open).astimezone(UTC).isoformat(),
        "seq": (cut.cut_at - _EPOCH) // timedelta(microseconds=1),
        "warnings": list(warnings),
    }


def _measure(rows: DataFrame, taken: Extracted) -> dict[str, Any]:
    sums = [F.coalesce(F.sum(name), F.lit(0)).alias(name) for name in taken.sums]
    found = rows.agg(F.count(F.lit(1)).alias("rows"), *sums).first()
    counted = found.asDict() if found else {}
    return {
        "source_rows": taken.row_count,
        "source_sums": {name: str(value) for name, value in taken.sums.items()},
        "read_rows": counted["rows"],
        "read_sums": {name: str(Decimal(counted[name])) for name in taken.sums},
    }


def _without_known(
    context: Context, source: Source, rows: DataFrame, accepted: Accepted, lower: datetime | None
) -> tuple[DataFrame, int]:
    """Drop the rows that the lake holds as they are, and count them."""
    if accepted.first:
        return rows, 0
    known = versions(context.session, source, accepted)
    if lower is not None and not context.reads_whole(source):
        changed = F.col(source.changed_by)
        known = known.where(changed.isNull() | (changed >= F.lit(lower)))
    # Not any version: a row may become again what it was.
    known = latest(known, source).where(F.col("_op") == "U")
    columns = [*source.landed_key, "_row_hash"]
    fresh = rows.join(known.select(*columns), on=columns, how="leftanti").localCheckpoint()
    return fresh, rows.count() - fresh.count()


def _append(context: Context, source: Source, rows: DataFrame, facts: dict[str, Any]) -> Landing:
    ensure_raw(context.session, context.catalog, source)
    landed = (
        rows.withColumn("_landing_id", F.lit(facts["landing_id"]))
        .withColumn("_run_key", F.lit(facts["run_key"]))
        .withColumn("_landed_seq", F.lit(facts["seq"]).cast("bigint"))
    )
    summary = {
        "calve.landing-id": facts["landing_id"],
        "calve.run-key": facts["run_key"],
        "calve.landing": summary_json(facts),
    }
    written = write(landed, Target(context.catalog, raw(source.source), None, summary))
    said = {"source": source.source, "run_key": facts["run_key"], "snapshot_id": written.snapshot_id}
    logger.info("landed", extra=said)
    return _landing(facts | {"rows": written.count("added-records")}, written.snapshot_id)


def _landing(facts: dict[str, Any], snapshot_id: int) -> Landing:
    """Build the record from what the snapshot says; `totals` holds the counts and sums of both sides."""
    lower = facts["lower"]
    return Landing(
        run_key=facts["run_key"],
        source=facts["source"],
        landing_id=facts["landing_id"],
        snapshot_id=snapshot_id,
        cut_at=datetime.fromisoformat(facts["cut_at"]),
        lower=datetime.fromisoformat(lower) if lower else None,
        upper=datetime.fromisoformat(facts["upper"]),
        next_lower=datetime.fromisoformat(facts["next_lower"]),
        rows=facts["rows"],
        totals={k: facts[k] for k in ("source_rows", "source_sums", "read_rows", "read_sums", "reread", "warnings")},
        seq=facts["seq"],
    )
