"""The Spark application: extract, land, curate and audit one run, pipeline by pipeline, and publish what passed.

It runs under leases that its submitter took. It refuses to work with other contracts than its submitter's.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from pyspark.sql import SparkSession

from calve.contract.models import Contract
from calve.contract.project import Project
from calve.contract.scopes import parts_of
from calve.contract.sources import Source
from calve.errors import CalveError, DigestMismatchError, StaleBaseError
from calve.lake.attempts import Mode, end_attempt, start_attempt
from calve.lake.landings import Landing, landings_of, record_landings
from calve.lake.ledger import ledger
from calve.lake.metrics import ControlDifference, MetricRow
from calve.lake.publication import Publication, newest, pins, publish
from calve.lake.records import Connection
from calve.lake.verdicts import DatasetVerdict, record_verdicts, verdicts_of
from calve.runs import ALL, Run
from calve.settings import Settings
from calve.spark.audit import Audited, audit
from calve.spark.context import Context
from calve.spark.curate import Staged, stage
from calve.spark.cut import open_cut
from calve.spark.inputs import World, dimensions_of, touch
from calve.spark.land import land
from calve.spark.session import explained
from calve.spark.tables import ensure_curated, ensure_raw

logger = logging.getLogger(__name__)
Tell = Callable[[str], None]
AUDITS_AT_ONCE = 3
STAGINGS = 3  # of one run, while somebody else writes to its tables


@dataclass(frozen=True)
class Leased:
    """A run, the epoch of the lease that its submitter holds for it, and how its generation is made."""

    run: Run
    epoch: int
    mode: Mode = "changes"


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
    known = verdicts_of(driver.records, run.key)
    if not known:
        digest, epoch = driver.project.digest, leased.epoch
        attempt = start_attempt(driver.records, run, epoch, digest, driver.holder, mode=leased.mode)
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
        mode=leased.mode,
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
    staged: dict[str, Staged] = {}
    for contract in contracts:
        staged[contract.dataset] = _stage(driver, context, world, contract, staged)
    verdicts: list[DatasetVerdict] = []
    metrics: dict[str, list[MetricRow]] = {}
    differences: dict[str, list[ControlDifference]] = {}
    for audited, seconds in _audit_all(context, world, contracts, staged):
        name = audited.verdict.dataset
        verdicts.append(audited.verdict)
        metrics[name], differences[name] = audited.metrics, audited.differences
        word, rules = audited.verdict.word, len(audited.verdict.results)
        driver.tell(f"audit    {name:<26} {word:<9} {rules} rules, {seconds:.1f} s")
    return record_verdicts(
        driver.records, context.run.key, verdicts, epoch=context.epoch, metrics=metrics, differences=differences
    )


def _audit_all(
    context: Context, world: World, contracts: tuple[Contract, ...], staged: dict[str, Staged]
) -> Iterator[tuple[Audited, float]]:
    """Judge all datasets, some at a time, since an audit is many small jobs, and yield them in the contracts' order.

    An audit only reads; a thread of Python has one of Java's for its own, which must be told the session.
    """
    session = context.session

    def judge(contract: Contract) -> tuple[Audited, float]:
        began = time.monotonic()
        session._jvm.SparkSession.setActiveSession(session._jsparkSession)  # type: ignore[union-attr]
        found = audit(context, world, staged, contract.dataset, dimensions_of(context, world, contract, staged))
        return found, time.monotonic() - began

    with ThreadPoolExecutor(AUDITS_AT_ONCE) as pool:
        yield from pool.map(judge, contracts)


def _land_all(driver: Driver, context: Context, sources: tuple[Source, ...]) -> dict[str, Landing]:
    recorded = landings_of(context.records, context.run.key)
    if recorded:
        for name, landing in recorded.items():
            driver.tell(f"land     {name:<26} {landing.rows:>9,} rows, landed by an earlier attempt")
        return recorded
    for source in sources:
        ensure_raw(context.session, context.catalog, source)
    landed = []
    with open_cut(context.settings) as cut:
        for source in sources:
            began = time.monotonic()
            landing = land(context, cut, source)
            landed.append(landing)
            reread = landing.totals["reread"]
            note = f", {reread:,} known already" if reread else ""
            driver.tell(f"land     {source.source:<26} {landing.rows:>9,} rows{note}, {_seconds(began)}")
    return record_landings(context.records, landed)


def _stage(driver: Driver, context: Context, world: World, contract: Contract, staged: dict[str, Staged]) -> Staged:
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


def _seconds(began: float) -> str:
    return f"{time.monotonic() - began:.1f} s"
