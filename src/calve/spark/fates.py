"""Say what became of every row that a run landed: exactly one fate each, so that the counts add up.

Fates: inserted, updated, unchanged, deleted, superseded (an older version than one already accepted), quarantined,
withheld (the transform or its purpose keeps it out). Rows read again with a known hash don't land; the landing
counts them as `reread`.
"""

from __future__ import annotations

from pyspark.sql import functions as F

from calve.spark.context import Context
from calve.spark.curate import Staged
from calve.spark.inputs import World, accepted_of
from calve.spark.state import Accepted, latest, matching, versions, within

# The strongest fate of a unit is that of the source rows that it was made from.
_STRENGTH = ("unchanged", "deleted", "updated", "inserted", "quarantined")


def fates_of(context: Context, world: World, each: Staged) -> dict[str, dict[str, int]]:
    """Count the fates of the rows landed from each source that this dataset answers for.

    A source is answered for by the first dataset of its pipeline that names it in `from`.
    """
    return {
        name: _count(context, world, each, name)
        for name in each.contract.sources
        if next(c for c in world.contracts if name in c.sources).dataset == each.contract.dataset
    }


def _count(context: Context, world: World, each: Staged, name: str) -> dict[str, int]:
    landing, source = world.landings[name], world.project.sources[name]
    if landing.rows == 0:
        return {}
    if each.touched is None:
        return {"withheld": landing.rows}
    accepted = accepted_of(context, world, name)
    own = versions(context.session, source, Accepted((), accepted.own))
    key = list(source.landed_key)
    newest = own.select(*key, "_op", F.col("_landing_id").alias("_newest"))
    if not accepted.first:
        keys = own.select(*key).distinct()
        everything = within(versions(context.session, source, accepted), keys, key)
        newest = latest(everything, source).select(*key, F.col("_landing_id").alias("_newest"))
        newest = own.select(*key, "_op").join(newest, on=key, how="left")
    by = key if set(key) == set(each.contract.grain) else list(each.touched.by or each.contract.grain)
    carried = newest.join(own.select(*{*key, *by}), on=key, how="left") if set(by) - set(key) else newest
    strength = F.expr(f"array_position(array({', '.join(repr(fate) for fate in _STRENGTH)}), _fate)")
    found = each.touched.differences.groupBy(*by).agg(F.max_by("_fate", strength).alias("_fate"))
    fate = (
        F.when(F.col("_newest") != landing.landing_id, "superseded")
        .when(F.col("_fate").isNotNull(), F.col("_fate"))
        .when(F.col("_op") == "D", "deleted")
        .otherwise("withheld")
    )
    counted = matching(carried, found, by, "left").groupBy(fate.alias("fate")).count().collect()
    return {row["fate"]: row["count"] for row in counted}
