"""A local engine with one Spark session, and lakes on it that are cloned from a filled one in a second.

A clone is two databases: the shop and the catalog with the records. Files are shared, as Iceberg never changes one
and names each anew; nothing here removes a file. The chain is driven in-process, by the same functions that
`calve run` calls, with the same leases.
"""

from __future__ import annotations

import itertools
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

import psycopg
from pydantic import SecretStr
from pyspark import SparkContext
from pyspark.sql import SparkSession

from calve.contract.loader import load_project
from calve.contract.project import Project
from calve.lake.attempts import Mode
from calve.lake.catalog import open_catalog
from calve.lake.lease import held
from calve.lake.records import connect, migrate
from calve.lake.verdicts import DatasetVerdict
from calve.planning import Request, plan
from calve.runs import ALL, Interval
from calve.settings import Settings
from calve.spark.application import Driver, Leased, perform
from calve.spark.session import jdbc_of, start_session, stop_session
from calve.standin.local import engine
from calve.standin.local.jars import jar_paths
from calve.standin.local.java import spark_environment
from calve.standin.local.state import State
from calve.standin.source import HISTORY_START, create_schema, fill
from calve.warehouse.expose import Exposure, expose
from calve.warehouse.read import query
from unused_ports import free_ports

ROOT = Path(__file__).parents[2]
PARTS = ("POSTGRES", "S3", "SNOWFLAKE")
_numbers = itertools.count(1)


@dataclass
class Lake:
    """One shop, one lake and one Snowflake database of their own.

    Attributes:
        told: What the application told, line by line.
        listeners: Called with each line when it is told.
    """

    engine: Engine
    settings: Settings
    shop_url: str
    scale: float
    session: SparkSession
    project: Project
    told: list[str] = field(default_factory=list)
    listeners: list[Callable[[str], None]] = field(default_factory=list)

    def tell(self, line: str) -> None:
        """Keep what the application tells, and let a test step in at that moment."""
        self.told.append(line)
        for listener in self.listeners:
            listener(line)

    @cached_property
    def records(self) -> psycopg.Connection[Any]:
        conn = connect(self.settings)
        migrate(conn)
        return conn

    @cached_property
    def catalog(self) -> Any:
        return open_catalog(self.settings)

    @cached_property
    def shop(self) -> psycopg.Connection[Any]:
        return psycopg.connect(self.shop_url, autocommit=True, options="-c timezone=UTC")

    def fill(self, until: date) -> None:
        create_schema(self.shop)
        fill(self.shop, until=until, scale=self.scale)

    def run(
        self,
        *pipelines: str,
        since: date,
        until: date | None = None,
        scope: str = ALL,
        mode: Mode = "changes",
        datasets: tuple[str, ...] = (),
    ) -> dict[str, tuple[DatasetVerdict, ...]]:
        """Make an interval true as `calve run --interval` does, and return the verdicts by pipeline."""
        interval = Interval(_midnight(since), _midnight(until or since + timedelta(days=1)))
        asked = Request(pipelines, interval, scope=scope, mode=mode, datasets=datasets)
        planned = plan(self.records, self.project, asked, datetime.now(UTC))
        with ExitStack() as stack:
            leases = [stack.enter_context(held(self.settings, p.run.pipeline, p.run.key)) for p in planned]
            found = self.perform([Leased(p.run, x.epoch, p.way) for p, x in zip(planned, leases, strict=True)])
        return {p.run.pipeline: verdicts for p, verdicts in zip(planned, found, strict=True)}

    def perform(self, leased: list[Leased]) -> list[tuple[DatasetVerdict, ...]]:
        """Do what the Spark application does."""
        self.activate()
        return perform(self.driver, leased, digest=self.project.digest)

    @property
    def driver(self) -> Driver:
        return Driver(
            session=self.session,
            settings=self.settings,
            records=self.records,
            catalog=self.catalog,
            project=self.project,
            holder="tests",
            tell=self.tell,
        )

    def activate(self) -> None:
        """Iceberg asks Spark for the active session here and there."""
        sessions = self.session._jvm.org.apache.spark.sql.SparkSession
        sessions.setActiveSession(self.session._jsparkSession)
        sessions.setDefaultSession(self.session._jsparkSession)

    def expose(self) -> Exposure:
        return expose(self.settings, self.records, self.project)

    def read(self, sql: str) -> list[dict[str, Any]]:
        """Read from Snowflake as the views' owner does."""
        return query(self.settings, sql)

    def rows(self, table: str, columns: str = "*", where: str = "true") -> list[dict[str, Any]]:
        """Read `main` of a table, e.g. `curated.dim_region`."""
        self.activate()
        found = self.session.table(table).where(where).selectExpr(*columns.split(", ")).collect()
        return [row.asDict() for row in found]

    def query(self, statement: str, *parameters: Any) -> list[dict[str, Any]]:
        """Read the records."""
        return self.records.execute(statement.encode(), parameters).fetchall()

    def close(self) -> None:
        for name in ("records", "shop"):
            if name in self.__dict__:
                self.__dict__.pop(name).close()
        if "catalog" in self.__dict__:
            self.__dict__.pop("catalog").engine.dispose()


@dataclass
class Engine:
    """The three servers and Spark.

    Attributes:
        events: Folder of Spark's event log, which holds every plan.
    """

    state: State
    stored: dict[str, Any]
    root: SparkSession
    events: Path

    def lake(self, shop: str, catalog: str, *, scale: float, project: Path = ROOT) -> Lake:
        """Return the lake of two databases that exist."""
        number = next(_numbers)
        settings = _settings(self.state, self.stored).model_copy(
            update={
                "source_url": _of_database(self.stored["source_url"], shop),
                "catalog_url": _of_database(self.stored["catalog_url"], catalog),
                "snowflake_database": f"CALVE_{number}",
                "project": project,
            }
        )
        session = self.root.newSession()
        address, _, _ = jdbc_of(settings.catalog_url.get_secret_value())
        session.conf.set(f"spark.sql.catalog.{settings.catalog_name}.uri", f"{address}?currentSchema=public")
        shop_url = _of_database(self.stored["source_admin_url"], shop).get_secret_value()
        return Lake(self, settings, shop_url, scale, session, load_project(project))

    @contextmanager
    def clone(self, of: Lake, *, project: Path = ROOT) -> Iterator[Lake]:
        """Give a lake of its own that begins as another one is now; that one must not be used meanwhile."""
        of.close()
        name = f"clone_{next(_numbers)}"
        catalog = _database(of.settings.catalog_url.get_secret_value())
        pairs = {f"shop_{name}": (_database(of.shop_url), "shop_admin"), f"lake_{name}": (catalog, "calve")}
        with psycopg.connect(self.stored["admin_url"], autocommit=True) as admin:
            for made, (template, owner) in pairs.items():
                self._alone(admin, template)
                admin.execute(f"create database {made} template {template} owner {owner} strategy file_copy".encode())
        lake = self.lake(f"shop_{name}", f"lake_{name}", scale=of.scale, project=project)
        try:
            yield lake
        finally:
            lake.close()
            with psycopg.connect(self.stored["admin_url"], autocommit=True) as admin:
                for made in pairs:
                    admin.execute(f"drop database {made} with (force)".encode())

    @staticmethod
    def _alone(admin: psycopg.Connection[Any], database: str) -> None:
        """Spark's pool still holds connections to a lake that was used before."""
        admin.execute("select pg_terminate_backend(pid) from pg_stat_activity where datname = %s", (database,))


@contextmanager
def started() -> Iterator[Engine]:
    """Start everything on free ports, in a folder that PostgreSQL's user can walk to; end and remove it afterwards."""
    with tempfile.TemporaryDirectory(prefix="calve-chain-") as folder, _environment(Path(folder)):
        Path(folder).chmod(0o711)
        events = Path(folder) / "events"
        state = State(Path(folder) / ".calve")
        ports = free_ports(len(PARTS))
        engine.up(state, {f"CALVE_LOCAL_PORT_{part}": str(port) for part, port in zip(PARTS, ports, strict=True)})
        try:
            stored = state.settings()
            session = start_session(_settings(state, stored), "calve chain")
            try:
                yield Engine(state, stored, session, events)
            finally:
                _end(session)
        finally:
            engine.down(state, wipe=True)


def new_lake(running: Engine, until: date, *, scale: float) -> Lake:
    """Fill the engine's own shop and publish its whole history as one interval of both pipelines."""
    lake = running.lake("shop", "calve", scale=scale)
    lake.fill(until)
    found = lake.run(since=HISTORY_START, until=until)
    words = {verdict.word for verdicts in found.values() for verdict in verdicts}
    assert words == {"passed"}, "\n".join(lake.told)
    return lake


@contextmanager
def _environment(folder: Path) -> Iterator[None]:
    """Let Spark write its event log as on a cluster, and this process live in UTC."""
    before = dict(os.environ)
    os.environ |= spark_environment() | {"TZ": "UTC", "SPARK_CONF_DIR": str(folder)}
    (folder / "events").mkdir()
    (folder / "spark-defaults.conf").write_text(
        f"spark.eventLog.enabled true\nspark.eventLog.dir file://{folder}/events\n"
    )
    time.tzset()
    sys.path.insert(0, str(ROOT / "spark_apps"))
    try:
        yield
    finally:
        sys.path.remove(str(ROOT / "spark_apps"))
        os.environ.clear()
        os.environ.update(before)
        time.tzset()


def _end(session: SparkSession) -> None:
    """End Spark and its Java: another test's session needs other jars."""
    stop_session(session)
    gateway = SparkContext._gateway
    gateway.shutdown()
    gateway.proc.stdin.close()
    gateway.proc.wait()
    SparkContext._gateway = SparkContext._jvm = None


def _settings(state: State, stored: dict[str, Any]) -> Settings:
    known = {name: value for name, value in stored.items() if name in Settings.model_fields}
    jars = ",".join(map(str, jar_paths()))
    more = {"state": state.root, "project": ROOT, "driver_memory": "1400m", "spark_jars": jars}
    return Settings(**{**known, **more})


def _of_database(url: str, database: str) -> SecretStr:
    return SecretStr(f"{url.rpartition('/')[0]}/{database}")


def _database(url: str) -> str:
    return url.rpartition("/")[2]


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)
