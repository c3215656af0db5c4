"""Charts of runs: what was published when, which rules hold, what is kept out. Returns Vega-Lite specifications."""

from __future__ import annotations

import altair as alt

from calve.report import formats
from calve.report.blocks import Legend, Spec
from calve.report.figures import Rows
from calve.report.revenue_charts import data_of, spec_of

OUTCOMES = ("passed", "warned", "quarantined", "blocked")
OUTCOME_LEGEND: Legend = tuple((outcome, outcome) for outcome in OUTCOMES)
KEPT_OUT_LEGEND: Legend = (("quarantined", "within what is allowed"), ("blocked", "more: the run was blocked"))
EVENT_LEGEND: Legend = (("passed", "served"), ("muted", "published before"), ("blocked", "blocked"))
EVENTS_SHOWN = 24
KEPT_OUT_SHOWN = 12
RULES_ACROSS = 20
_NAMES = alt.Axis(labelLimit=185, domain=False, ticks=False, labelPadding=6)


def events(rows: Rows) -> Spec:
    """Draw publications and blocked runs in the order in which they happened; a cross is what was blocked.

    Args:
        rows: `pipeline`, `run_key`, `kind` (served, published, blocked), `number` (None when blocked), `at`.
    """
    drawn = [
        {
            "pipeline": row["pipeline"],
            "place": place,
            "at": formats.instant(row["at"]),
            "moment": formats.moment(row["at"]),
            "run": row["run_key"],
            "kind": row["kind"],
            "number": "" if row["number"] is None else str(row["number"]),
        }
        for place, row in enumerate(rows[-EVENTS_SHOWN:])
    ]
    kinds = ["served", "published", "blocked"]
    colours = [f"@{colour}" for colour, _ in EVENT_LEGEND]
    moments = "[" + ", ".join(f"'{row['moment']}'" for row in drawn) + "]"
    # Two lines, day and time; where there is no room for all, every second one is left out, and so on.
    label = f"split({moments}[datum.value], / (?=\\d+:)/)"
    axis = alt.Axis(labelExpr=label, labelAngle=0, labelOverlap="parity", grid=False)
    base = alt.Chart(data_of(drawn)).encode(
        x=alt.X("place:O", title=None, axis=axis),
        y=alt.Y("pipeline:N", title=None, axis=_NAMES),
        tooltip=[alt.Tooltip(f"{name}:N") for name in ("pipeline", "kind", "run", "at")],
    )
    points = base.mark_point(size=130, filled=True, opacity=1).encode(
        color=alt.Color("kind:N", scale=alt.Scale(domain=kinds, range=colours), legend=None),
        shape=alt.Shape("kind:N", scale=alt.Scale(domain=kinds, range=["circle", "circle", "cross"]), legend=None),
    )
    labels = base.mark_text(dy=-16, fontSize=11, color="@ink").encode(text="number:N")
    return spec_of(points + labels, height=56 * len({row["pipeline"] for row in drawn}))


def rules(rows: Rows) -> Spec:
    """Draw one field per rule of each dataset's newest verdict, in the colour of its outcome."""
    drawn = []
    places: dict[str, int] = {}
    for row in sorted(rows, key=lambda row: (row["dataset"], -OUTCOMES.index(row["outcome"]), row["rule"])):
        places[row["dataset"]] = places.get(row["dataset"], 0) + 1
        drawn.append(
            {
                "dataset": row["dataset"],
                "place": places[row["dataset"]],
                "rule": row["rule"],
                "outcome": row["outcome"],
                "broken": formats.count(row["broken_rows"]),
                "allowed": formats.count(row["allowed_rows"]),
            }
        )
    across = alt.Scale(domain=list(range(1, max(RULES_ACROSS, *places.values()) + 1)))
    fields = (
        alt.Chart(data_of(drawn))
        .mark_rect(cornerRadius=3, stroke="@card", strokeWidth=2)
        .encode(
            x=alt.X("place:O", title=None, axis=None, scale=across),
            y=alt.Y("dataset:N", title=None, axis=_NAMES),
            color=_outcome(),
            tooltip=[alt.Tooltip(f"{name}:N") for name in ("dataset", "rule", "outcome", "broken", "allowed")],
        )
    )
    return spec_of(fields, height=22 * len(places))


def kept_out(rows: Rows) -> Spec:
    """Draw how many rows each rule kept out of a run, named above its bar, with the allowed number as a line."""
    drawn = [
        {
            "place": place,
            "what": f"{row['dataset']}: {row['rule']}",
            "run": row["run_key"],
            "named": f"{row['dataset']}: {row['rule']} · {row['run_key']}",
            "rows": row["broken_rows"],
            "allowed": row["allowed_rows"],
            "outcome": row["outcome"],
        }
        for place, row in enumerate(rows[:KEPT_OUT_SHOWN])
    ]
    base = alt.Chart(data_of(drawn)).encode(
        y=alt.Y("place:O", axis=None),
        tooltip=[alt.Tooltip(f"{name}:N") for name in ("run", "what", "rows", "allowed", "outcome")],
    )
    bars = base.mark_bar(cornerRadiusEnd=3, height=11, yOffset=9).encode(
        x=alt.X("rows:Q", title=None, axis=alt.Axis(tickMinStep=1, tickCount=5, format=",d")),
        color=_outcome(),
    )
    allowed = base.mark_tick(color="@ink", thickness=2, size=17, yOffset=9).encode(x="allowed:Q")
    names = base.mark_text(align="left", dy=-8, color="@ink", fontSize=12, limit=alt.expr("width"))
    return spec_of(bars + allowed + names.encode(x=alt.value(0), text="named:N"), height=42 * len(drawn))


def _outcome() -> alt.Color:
    scale = alt.Scale(domain=list(OUTCOMES), range=[f"@{outcome}" for outcome in OUTCOMES])
    return alt.Color("outcome:N", scale=scale, legend=None)
