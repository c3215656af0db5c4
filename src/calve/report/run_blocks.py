"""Runs in findings, charts and tables: what was published when, what the audits said, where each table comes from.

Never shows a row of data: rules and counts only.
"""

from __future__ import annotations

from calve.report import formats, run_charts
from calve.report.blocks import Block, Section, Table
from calve.report.figures import Figures, Row, Rows

BROKEN_SHOWN = 40


def publications(figures: Figures) -> Section:
    """Return what was published when, blocked runs included."""
    events = _events(figures)
    blocks = []
    if events:
        newest = next((row for row in reversed(events) if row["number"] is not None), None)
        blocked = [row for row in events if row["number"] is None]
        said = formats.counted(len(events) - len(blocked), "publication")
        finding = f"{said}, {formats.counted(len(blocked), 'blocked run')}"
        if newest:
            finding += f"; the newest is {newest['number']}, {newest['pipeline']} {newest['through_words']}"
        heads = ("at (UTC)", "pipeline", "run", "publication", "became")
        lines = tuple(
            (
                formats.instant(row["at"]),
                row["pipeline"],
                row["run_key"],
                ABSENT if row["number"] is None else str(row["number"]),
                row["kind"],
            )
            for row in reversed(events)
        )
        words = "In the order in which they happened. All datasets of a pipeline are published at once, or none."
        if len(events) > run_charts.EVENTS_SHOWN:
            words += f" The chart shows the newest {run_charts.EVENTS_SHOWN}."
        table = Table(formats.all_of(len(events), "run"), heads, lines, is_folded=len(lines) > FOLDED_ABOVE, marks=4)
        chart = run_charts.events(events)
        blocks.append(Block("events", finding, words, "", chart, table, is_wide=True, legend=run_charts.EVENT_LEGEND))
    words = "Readers see whole publications only. A blocked run changes nothing that they see."
    return Section("publications", "What was published when", words, tuple(blocks), "Nothing was published yet.")


ABSENT = formats.ABSENT
FOLDED_ABOVE = 14


def _events(figures: Figures) -> Rows:
    found: dict[tuple[str, int | None], Row] = {}
    for row in figures.publications:
        found[row["run_key"], row["publication"]] = {
            "pipeline": row["pipeline"],
            "run_key": row["run_key"],
            "kind": "served" if row["is_served"] else "published",
            "number": row["publication"],
            "at": row["published_at"],
            "through_words": f"through {formats.last_day(row['until'])}",
        }
    for row in figures.runs:
        if row["blocked"]:
            found[row["run_key"], None] = {
                "pipeline": row["pipeline"],
                "run_key": row["run_key"],
                "kind": "blocked",
                "number": None,
                "at": row["decided_at"],
            }
    return sorted(found.values(), key=lambda row: (row["at"], row["pipeline"], row["number"] or 0))


def quality(figures: Figures) -> Section:
    """Return what the newest verdict of each dataset says, and every rule that did not hold."""
    blocks = []
    if figures.rules:
        bad = [row for row in figures.rules if row["outcome"] != "passed"]
        datasets = formats.counted(len({row["dataset"] for row in figures.rules}), "dataset")
        held = f"{len(figures.rules) - len(bad)} of {formats.counted(len(figures.rules), 'rule')}"
        finding = f"{held} hold in the newest verdicts of {datasets}"
        if blocked := sorted({row["run_key"] for row in bad if row["outcome"] == "blocked"}):
            finding += f"; {formats.listed(blocked)} {'is' if len(blocked) == 1 else 'are'} not published"
        words = "One field per rule. A dataset's newest verdict may be that of a run that was blocked."
        chart, legend = run_charts.rules(figures.rules), run_charts.OUTCOME_LEGEND
        blocks.append(Block("rules", finding, words, "", chart, _rules(figures), is_wide=True, legend=legend))
        blocks.append(_broken(figures))
    words = "Every run is audited before anybody can read it. What breaks a blocking rule is not published."
    return Section("quality", "Data quality", words, tuple(blocks), "No run was audited yet.")


def _rules(figures: Figures) -> Table:
    heads = ("dataset", "rule", "outcome", "#checked", "#broken", "#allowed", "run", "verified through")
    lines = tuple(
        (
            row["dataset"],
            row["rule"],
            row["outcome"],
            formats.count(row["checked_rows"]),
            formats.count(row["broken_rows"]),
            formats.count(row["allowed_rows"]),
            row["run_key"],
            formats.day(row["verified_through"]),
        )
        for row in figures.rules
    )
    return Table(formats.all_of(len(lines), "rule"), heads, lines, is_folded=True, marks=2)


def _broken(figures: Figures) -> Block:
    rows = figures.broken[:BROKEN_SHOWN]
    if not rows:
        runs = formats.counted(len(figures.runs), "run")
        return Block("broken", f"Nothing was blocked, kept out or warned of in {runs}", is_wide=True)
    heads = ("at (UTC)", "run", "dataset", "rule", "outcome", "found")
    lines = tuple(
        (
            formats.instant(row["decided_at"]),
            row["run_key"],
            row["dataset"],
            row["rule"],
            row["outcome"],
            row["detail"] or "",
        )
        for row in rows
    )
    newest = rows[0]
    finding = f"The newest finding: {newest['rule']} of {newest['dataset']}, {newest['outcome']} in {newest['run_key']}"
    title = "The newest findings"
    return Block("broken", finding, table=Table(title, heads, lines, marks=4), is_wide=True)


def quarantine(figures: Figures) -> Section:
    """Return the rows that audits kept out of the tables."""
    rows = [row for row in figures.broken if row["severity"] == "quarantine" and row["broken_rows"]][:BROKEN_SHOWN]
    blocks = []
    if rows:
        kept = sum(int(row["broken_rows"]) for row in rows)
        runs = formats.counted(len({row["run_key"] for row in rows}), "run")
        finding = f"{formats.counted(kept, 'time')} a row broke a rule and was kept out, in {runs}"
        heads = ("run", "dataset", "rule", "#kept out", "#allowed", "#checked", "outcome")
        lines = tuple(
            (
                row["run_key"],
                row["dataset"],
                row["rule"],
                formats.count(row["broken_rows"]),
                formats.count(row["allowed_rows"]),
                formats.count(row["checked_rows"]),
                row["outcome"],
            )
            for row in rows
        )
        words = "A row that breaks two rules is counted twice. The line is what is allowed; more blocks the run."
        if len(rows) > run_charts.KEPT_OUT_SHOWN:
            words += f" The chart shows the newest {run_charts.KEPT_OUT_SHOWN}."
        table = Table("The same as a table", heads, lines, is_folded=len(rows) > FOLDED_ABOVE, marks=6)
        chart, legend = run_charts.kept_out(rows), run_charts.KEPT_OUT_LEGEND
        blocks.append(Block("kept-out", finding, words, "", chart, table, is_wide=True, legend=legend))
    words = "Rows that break a row rule wait in quarantine with the reason, and count nowhere until they are repaired."
    return Section("quarantine", "Quarantine", words, tuple(blocks), "No row was ever kept out.")


def whence(figures: Figures) -> Section:
    """Return from which publication, run and snapshot each served table comes."""
    served = sorted(
        (row for row in figures.publications if row["is_served"]), key=lambda row: (row["pipeline"], row["dataset"])
    )
    blocks = []
    if served:
        heads = ("dataset", "verified through", "#publication", "run", "#rows", "#snapshot", "contracts", "published")
        lines = tuple(
            (
                row["dataset"],
                formats.day(row["verified_through"]),
                str(row["publication"]),
                row["run_key"],
                formats.count(row["row_count"]),
                str(row["snapshot_id"]),
                str(row["contract_digest"] or ABSENT)[:8],
                formats.instant(row["published_at"]),
            )
            for row in served
        )
        tables, pipelines = len(served), len({row["pipeline"] for row in served})
        finding = f"{formats.counted(tables, 'table')} of {formats.counted(pipelines, 'pipeline')} are served"
        words = "Snapshots are those of the Iceberg tables; contracts are named by the first letters of their digest."
        blocks.append(Block("whence", finding, words, table=Table("Served tables", heads, lines), is_wide=True))
    words = "Every number on this page was read from these tables, all in one state."
    return Section("whence", "Where the numbers come from", words, tuple(blocks), "No table is served yet.")
