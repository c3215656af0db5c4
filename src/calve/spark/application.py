"""The Spark application: extract, land, curate and audit one run, pipeline by pipeline, and publish what passed.

It runs under leases that its submitter took. It refuses to work with other contracts than its submitter's.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from pyspark.sql import SparkSession

from calve.contract.models import Contract
from calve.contract.project import Project
from calve.contract.scopes import parts_of
from calve.contract.sources import Source
from calve.errors import CalveError, DigestMismatchError, StaleBaseError
from calve.lake.attempts import CHANGES, Way, end_attempt, must_be_its_way, start_attempt
from calve.lake.landings import Landing, landings_of, nothing_landed, record_landings
from calve.lake.ledger import ledger
from calve.lake.publication import Publication, newest, pins, publish
from calve.lake.records import Connection
from calve.lake.verdicts import DatasetVerdict, record_verdicts, verdicts_of
from calve.runs import ALL, Run
from calve.settings import Settings
from calve.spark.audit import Audited, audit
from calve.spark.concurrently import as_needed
from calve.spark.context import Context
from calve.spark.curate import Staged, stage
from calve.spark.cut import open_cut
from calve.spark.inputs import World, dimensions_of, touch
from calve.spark.land import land
from calve.spark.session import explained
from calve.spark.skew import SLOW_SECONDS, name_work, skewed_stages
from calve.spark.tables import ensure_curated, ensure_raw

logger = logging.getLogger(__name__)
Tell = Callable[[str], None]
AT_ONCE = 3  # sources that land, datasets that are staged, datasets that are audited
STAGINGS = 3  # of one run, while somebody else writes to its tables


@dataclass(frozen=True)
class Leased:
    """A run, the epoch of the lease that its submitter holds for it, and how its generation is made."""

    run: Run
    epoch: int
    way: Way = CHANGES


@dataclass(frozen=True)
class Driver:
    """What the application shares between its runs."""

    session: SparkSession
    settings: Settings
    records: Connection
    catalog: Any
    project: Project
    holder: str
    tell: Tell


def perform(driver: Driver, leased: list[Leased], *, digest: str) -> list[tuple[DatasetVerdict, ...]]:
    """Bring each run to its verdict, in order, and publish those that passed.

    A pipeline whose needed pipeline is blocked or failed still runs, on that pipeline's previous publication.

    Raises:
        DigestMismatchError: The submitter holds other contracts; nothing was changed.
        CalveError: Runs that failed without a verdict; all others are judged, and published if they passed.
    """
    if digest != driver.project.digest:
        msg = (
            f"contracts: submitted with digest {digest}, this image holds {driver.project.digest}; "
            "deploy the image that carries the submitter's contracts, then run again"
        )
        raise DigestMismatchError(msg)
    verdicts, failed = [], []
    for each in leased:
        try:
            verdicts.append(_perform(driver, each))
        except CalveError as error:
            failed.append(error)
            if len(leased) > 1:
                driver.tell(f"failed   {each.run.key}: {error}")
    if failed:
        # One that a retry may help decides: what can't be helped is told by the retry again.
        raise next((error for error in failed if error.retryable), failed[0])
    return verdicts


def _perform(driver: Driver, leased: Leased, *, stagings: int = STAGINGS) -> tuple[DatasetVerdict, ...]:
    """Judge and publish one run; when `main` moved in between, its verdict is void and the run stages again."""
    known = _judge(driver, leased)
    if _word(known) == "blocked":
        return known
    try:
        published = publish(driver.settings, driver.records, leased.run, leased.epoch)
    except StaleBaseError as error:
        if stagings == 1:
            raise
        driver.tell(f"again    {error}")
        return _perform(driver, leased, stagings=stagings - 1)
    driver.tell(_told(published))
    return known


def _judge(driver: Driver, leased: Leased) -> tuple[DatasetVerdict, ...]:
    run = leased.run
    must_be_its_way(driver.records, run.key, leased.way)
    known = verdicts_of(driver.records, run.key)
    if not known:
        digest, epoch = driver.project.digest, leased.epoch
        attempt = start_attempt(driver.records, run, epoch, digest, driver.holder, way=leased.way)
        context = _context(driver, leased, attempt)
        try:
            with explained():
                known = _stage_and_audit(driver, context)
        except CalveError as error:
            end_attempt(driver.records, run.key, attempt, "failed", str(error))
            raise
        end_attempt(driver.records, run.key, attempt, _word(known), "")
    return known


def _context(driver: Driver, leased: Leased, attempt: int) -> Context:
    run, records = leased.run, driver.records
    ends = [segment.until for segment in ledger(records, run.pipeline)]
    return Context(
        session=driver.session,
        settings=driver.settings,
        records=records,
        catalog=driver.catalog,
        run=run,
        attempt=attempt,
        epoch=leased.epoch,
        digest=driver.project.digest,
        mode=leased.way.mode,
        datasets=leased.way.datasets,
        seen_until=max([run.interval.until, *ends]),
        published=newest(records).get(run.pipeline),
        parts=None if run.scope == ALL else parts_of(driver.project, run.pipeline, run.scope),
    )


def _word(verdicts: tuple[DatasetVerdict, ...]) -> str:
    return "blocked" if any(v.word == "blocked" for v in verdicts) else "passed"


def _told(published: Publication) -> str:
    return f"{published.pipeline}: publication {published.number} of {published.run_key}"


def _stage_and_audit(driver: Driver, context: Context) -> tuple[DatasetVerdict, ...]:
    pipeline = context.run.pipeline
    project, contracts = driver.project, driver.project.contracts_of(pipeline)
    landings = _land_all(driver, context, project.sources_of(pipeline))
    needed = project.pipelines[pipeline].needs
    world = World(project, contracts, landings, pins(driver.records, list(needed)))
    audited = _stage_and_audit_all(driver, context, world)
    return record_verdicts(
        driver.records,
        context.run.key,
        [each.verdict for each in audited.values()],
        epoch=context.epoch,
        metrics={name: each.metrics for name, each in audited.items()},
        differences={name: each.differences for name, each in audited.items()},
    )


def _land_all(driver: Driver, context: Context, sources: tuple[Source, ...]) -> dict[str, Landing]:
    recorded = landings_of(context.records, context.run.key)
    if recorded:
        for name, landing in recorded.items():
            driver.tell(f"land     {name:<26} {landing.rows:>9,} rows, landed by an earlier attempt")
        return recorded
    if context.datasets:
        # The datasets that are passed over would never see what lands.
        return {source.source: nothing_landed(context.run, source.source) for source in sources}
    for source in sources:
        ensure_raw(context.session, context.catalog, source)
    members = {source.source: source for source in sources}
    at_once = min(AT_ONCE, context.settings.source_max_connections)
    with open_cut(context.settings) as cut:

        def take(name: str, _: object) -> Landing:
            began = time.monotonic()
            landing = land(context, cut, members[name], connections=context.settings.source_max_connections // at_once)
            reread = landing.totals["reread"]
            note = f", {reread:,} known already" if reread else ""
            driver.tell(f"land     {name:<26} {landing.rows:>9,} rows{note}, {_seconds(began)}")
            return landing

        landed = as_needed(context.session, take, dict.fromkeys(members, ()), at_once)
    return record_landings(context.records, list(landed.values()))


def _stage_and_audit_all(driver: Driver, context: Context, world: World) -> dict[str, Audited]:
    """Stage each dataset after those of the pipeline that it reads, and audit it as soon as it is staged.

    An audit only reads: its own snapshot, and those of what the dataset reads.
    """
    members = {contract.dataset: contract for contract in world.contracts}
    needs: dict[tuple[str, str], list[tuple[str, str]]] = {
        ("stage", name): [("stage", read) for read in each.datasets_read if read in members]
        for name, each in members.items()
    }
    needs |= {("audit", name): [("stage", name)] for name in members}

    def work(task: tuple[str, str], done: Mapping[tuple[str, str], Staged | Audited]) -> Staged | Audited:
        step, name = task
        began, group = time.monotonic(), name_work(context.session, f"{step} {name} of {context.run.key}")
        staged = {of: each for (_, of), each in done.items() if isinstance(each, Staged)}
        try:
            return (_stage if step == "stage" else _audit)(driver, context, world, members[name], staged)
        finally:
            if time.monotonic() - began > SLOW_SECONDS:
                for line in skewed_stages(context.session, group):
                    driver.tell(f"skew     {name:<26} {line}")

    done = as_needed(context.session, work, needs, AT_ONCE)
    return {name: each for (_, name), each in done.items() if isinstance(each, Audited)}


def _stage(driver: Driver, context: Context, world: World, contract: Contract, staged: Mapping[str, Staged]) -> Staged:
    began = time.monotonic()
    ensure_curated(context.session, context.catalog, contract)
    each = stage(context, contract, touch(context, world, contract, staged))
    counts = ", ".join(f"{n:,} {fate}" for fate, n in sorted(each.counts.items())) or "nothing touched"
    written = each.written
    if written is not None:
        files, total = written.count("added-data-files"), written.count("total-data-files")
        counts += f"; wrote {files} of {total} files, {written.count('added-records'):,} of "
        counts += f"{written.count('total-records'):,} rows"
    driver.tell(f"stage    {contract.dataset:<26} {counts}, {_seconds(began)}")
    return each


def _audit(driver: Driver, context: Context, world: World, contract: Contract, staged: Mapping[str, Staged]) -> Audited:
    began, name = time.monotonic(), contract.dataset
    found = audit(context, world, staged, name, dimensions_of(context, world, contract, staged))
    word, rules = found.verdict.word, len(found.verdict.results)
    driver.tell(f"audit    {name:<26} {word:<9} {rules} rules, {_seconds(began)}")
    return found


def _seconds(began: float) -> str:
    return f"{time.monotonic() - began:.1f} s"
