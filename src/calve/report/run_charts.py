"""Charts of runs: what was published when, which rules hold, what is kept out. Returns Vega-Lite specifications."""

from __future__ import annotations

import altair as alt

from calve.report import formats
from calve.report.blocks import Spec
from calve.report.figures import Rows
from calve.report.revenue_charts import data_of, spec_of

OUTCOMES = ("passed", "warned", "quarantined", "blocked")
_COLOURS = [f"@{outcome}" for outcome in OUTCOMES]
_NAMES = alt.Axis(labelLimit=230, domain=False, ticks=False, labelPadding=6)
EVENTS_SHOWN = 30


def events(rows: Rows) -> Spec:
    """Draw publications and blocked runs in the order in which they happened; a ring is what is served.

    Args:
        rows: `pipeline`, `run_key`, `kind` (served, published, blocked), `number` (None when blocked), `at`.
    """
    drawn = [
        {
            "pipeline": row["pipeline"],
            "at": formats.instant(row["at"]),
            "run": row["run_key"],
            "kind": row["kind"],
            "label": "blocked" if row["number"] is None else str(row["number"]),
        }
        for row in rows[-EVENTS_SHOWN:]
    ]
    kinds = ["served", "published", "blocked"]
    base = alt.Chart(data_of(drawn)).encode(
        x=alt.X(
            "at:O",
            title=None,
            axis=alt.Axis(
                labelExpr="[slice(datum.value, 5, 10), slice(datum.value, 11, 16)]", labelAngle=0, grid=False
            ),
        ),
        y=alt.Y("pipeline:N", title=None, axis=_NAMES),
        tooltip=[alt.Tooltip(f"{name}:N") for name in ("pipeline", "kind", "run", "at")],
    )
    points = base.mark_point(size=190, filled=True, opacity=1).encode(
        color=alt.Color(
            "kind:N",
            scale=alt.Scale(domain=kinds, range=["@passed", "@muted", "@blocked"]),
            legend=alt.Legend(title=None, orient="top"),
        ),
        shape=alt.Shape("kind:N", scale=alt.Scale(domain=kinds, range=["circle", "circle", "cross"])),
    )
    labels = base.mark_text(dy=-18, fontSize=11, color="@ink").encode(text="label:N")
    return spec_of(points + labels, height=64 * len({row["pipeline"] for row in drawn}))


def rules(rows: Rows) -> Spec:
    """Draw one square per rule of each dataset's newest verdict, in the colour of its outcome."""
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
    squares = (
        alt.Chart(data_of(drawn))
        .mark_rect(cornerRadius=3, stroke="@card", strokeWidth=2)
        .encode(
            x=alt.X("place:O", title=None, axis=None),
            y=alt.Y("dataset:N", title=None, axis=_NAMES),
            color=_outcome(),
            tooltip=[alt.Tooltip(f"{name}:N") for name in ("dataset", "rule", "outcome", "broken", "allowed")],
        )
    )
    return spec_of(squares, height=22 * len(places))


def kept_out(rows: Rows) -> Spec:
    """Draw how many rows each rule kept out of a run, with the allowed number as a line."""
    drawn = [
        {
            "what": f"{row['dataset']}: {row['rule']}",
            "run": row["run_key"],
            "rows": row["broken_rows"],
            "allowed": row["allowed_rows"],
            "outcome": row["outcome"],
        }
        for row in rows
    ]
    names, runs = (list(dict.fromkeys(row[name] for row in drawn)) for name in ("what", "run"))
    base = alt.Chart(data_of(drawn)).encode(
        y=alt.Y("what:N", title=None, sort=names, axis=_NAMES),
        yOffset=alt.YOffset("run:N", sort=runs),
        tooltip=[alt.Tooltip(f"{name}:N") for name in ("run", "what", "rows", "allowed", "outcome")],
    )
    bars = base.mark_bar(cornerRadiusEnd=3).encode(
        x=alt.X("rows:Q", title="rows kept out (line: allowed)", axis=alt.Axis(tickMinStep=1, tickCount=5)),
        color=_outcome(),
    )
    allowed = base.mark_tick(color="@ink", thickness=2).encode(x="allowed:Q")
    return spec_of(bars + allowed, height=24 * len(drawn))


def _outcome() -> alt.Color:
    scale = alt.Scale(domain=list(OUTCOMES), range=_COLOURS)
    return alt.Color("outcome:N", scale=scale, legend=alt.Legend(title=None, orient="top", symbolType="square"))
