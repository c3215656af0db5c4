"""Tables of LIVE filled by plain SQL, the repository's views on them, and a small shop to fill them with."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from calve.contract.loader import load_project
from calve.contract.types import snowflake_type
from calve.settings import Settings
from calve.warehouse.connection import connect, execute
from calve.warehouse.ddl import NATIVE_COLUMNS
from calve.warehouse.names import Names, literal
from calve.warehouse.views import read_views

ROOT = Path(__file__).parents[2]
TABLES = ("dim_region", "dim_facility", "dim_category", "dim_product", "dim_date", "agg_facility_product_day")
FIRST, LAST, SERVED_DAY = date(2025, 1, 1), date(2026, 2, 5), date(2026, 2, 6)
HOSTILE_PRODUCT, HOSTILE_FACILITY = "Bücher </script><b>& 'Co'", "Ost <script>x()</script>"
PRODUCTS = {1: "Movie Pass", 2: "Device", 3: HOSTILE_PRODUCT}
FACILITIES = {1: ("Maple Grove", 1, "USD"), 2: (HOSTILE_FACILITY, 2, "USD"), 3: ("Lindenhof", 3, "EUR")}
SERVED_SNAPSHOT = 634438873715700060

Row = dict[str, Any]


class Served:
    """One database, as the role that owns its views sees it."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        names = Names.of(settings)
        database, role = names.database, names.deployer
        admin = connect(settings)
        for statement in (
            f"create role {role}",
            f"grant role {role} to user {names.user}",
            f"create database {database}",
            f"grant usage on database {database} to role {role}",
            f"grant create schema on database {database} to role {role}",
        ):
            execute(admin, statement)
        admin.close()
        self._conn = connect(settings, role)
        self.sql("create schema live")
        self.sql("create schema reporting")
        for name, columns in NATIVE_COLUMNS.items():
            self.sql(f"create table live.{name} ({', '.join(' '.join(column) for column in columns)})")
        contracts = load_project(ROOT).contracts
        for name in TABLES:
            typed = (f"{column.name} {snowflake_type(column.type)}" for column in contracts[name].columns)
            self.sql(f"create table live.{name} ({', '.join(typed)})")
        for view in read_views(ROOT / "iceberg" / "views"):
            self.sql(f"create view reporting.{view.name} as {view.body}")

    def sql(self, statement: str) -> list[Row]:
        """Execute a statement and return its rows."""
        return execute(self._conn, statement)

    def insert(self, table: str, rows: Iterable[Row]) -> None:
        """Append rows; columns that a row does not name are null."""
        rows = list(rows)
        columns = list(rows[0])
        values = (f"({', '.join(written(row[column]) for column in columns)})" for row in rows)
        self.sql(f"insert into live.{table} ({', '.join(columns)}) values {', '.join(values)}")

    def close(self) -> None:
        """End the session."""
        self._conn.close()

    def fill(self) -> None:
        """Serve the small shop."""
        self.insert("dim_region", [region(1, "US East"), region(2, "US West"), region(3, "EU North")])
        self.insert(
            "dim_facility",
            [{"facility_id": key, "name": name, "region_id": place} for key, (name, place, _) in FACILITIES.items()],
        )
        self.insert("dim_category", [category(5, "MEDIA", "MEDIA > MOVIES"), category(4, "DEVICE", "DEVICE")])
        self.insert(
            "dim_product",
            [
                {"product_id": key, "name": name, "category_id": 4 if key == 2 else 5, "product_type": "MEDIA"}
                for key, name in PRODUCTS.items()
            ],
        )
        self.insert("dim_date", map(calendar, days(FIRST, date(2026, 3, 1))))
        self.insert("agg_facility_product_day", sales())
        self.publish(1, FIRST, date(2026, 1, 28), is_served=False)
        for number, day in enumerate(days(date(2026, 1, 28), SERVED_DAY), start=2):
            self.publish(number, day, day + timedelta(days=1), is_served=day == SERVED_DAY)
        self.insert("data_quality", verdicts())

    def publish(self, number: int, since: date, until: date, *, is_served: bool) -> None:
        """Record a publication of the pipeline `revenue`."""
        self.insert(
            "publication",
            [
                {
                    "pipeline": "revenue",
                    "dataset": dataset,
                    "publication": number,
                    "run_key": f"revenue@{since}#0" if number > 1 else f"revenue@{since}/{until}#0",
                    "since": f"{since} 00:00:00+00:00",
                    "until": f"{until} 00:00:00+00:00",
                    "generation": 0,
                    "published_at": f"{until} {number:02}:00:00+00:00",
                    "snapshot_id": SERVED_SNAPSHOT + number,
                    "row_count": 1000 + number,
                    "verified_through": "2026-02-03" if is_served else None,
                    "contract_digest": "6cc49d1103b45d1f0acc881f31a89a68",
                    "is_served": is_served,
                }
                for dataset in ("fct_order_line", "fct_payment", "agg_facility_product_day")
            ],
        )


def written(value: object) -> str:
    """Return a value as SQL has it."""
    if isinstance(value, str):
        return literal(value)
    return "null" if value is None else str(value)


def region(key: int, name: str) -> Row:
    """Return a region."""
    return {"region_id": key, "code": name, "name": name}


def category(key: int, top: str, path: str) -> Row:
    """Return a category."""
    return {"category_id": key, "name": path.rsplit(" > ", maxsplit=1)[-1], "top_category": top, "path": path}


def calendar(day: date) -> Row:
    """Return a day of the calendar."""
    return {
        "calendar_date": str(day),
        "calendar_year": day.year,
        "month_of_year": day.month,
        "month_start": str(day.replace(day=1)),
        "week_start": str(day - timedelta(days=day.weekday())),
        "iso_weekday": day.isoweekday(),
    }


def days(first: date, last: date) -> list[date]:
    """Return all days from the first to the last."""
    return [first + timedelta(days=number) for number in range((last - first).days + 1)]


def sales() -> list[Row]:
    """Return what each facility sold: every third day another product, a refund on the first of each month."""
    rows = []
    for place, day in enumerate(days(FIRST, LAST)[::3]):
        for facility_id, (_, _, currency) in FACILITIES.items():
            gross = Decimal(10 * facility_id + day.month) + Decimal("0.35")
            refund = Decimal("4.10") if day.day <= 3 else Decimal("0.00")
            rows.append(
                {
                    "business_date": str(day),
                    "facility_id": facility_id,
                    "product_id": 1 + (place + facility_id) % 3,
                    "currency": currency,
                    "line_count": 2,
                    "quantity": 3,
                    "gross_amount": str(gross),
                    "refund_amount": str(refund),
                    "net_revenue": str(gross - refund),
                }
            )
    return rows


def verdicts() -> list[Row]:
    """Return a published run that kept three rows out, and a later one that was blocked."""
    published, blocked = "revenue@2026-02-06#0", "revenue@2026-02-07#0"
    return [
        _result("fct_order_line", published, 11, "unique(order_id, line_no)", "block", "passed", 0, 0),
        _result("fct_order_line", published, 11, "0 <= unit_price", "quarantine", "quarantined", 3, 5),
        _result("fct_payment", published, 11, "0 <= amount", "quarantine", "passed", 0, 5),
        _result("fct_order_line", blocked, None, "complete(facility_id)", "quarantine", "blocked", 90, 5),
        _result("fct_payment", blocked, None, "0 <= amount", "quarantine", "passed", 0, 5),
    ]


def _result(*values: object) -> Row:
    names = ("dataset", "run_key", "publication", "rule", "severity", "outcome", "broken_rows", "allowed_rows")
    row = dict(zip(names, values, strict=True))
    decided = "2026-02-07 01:30:00+00:00" if row["publication"] else "2026-02-08 01:30:00+00:00"
    detail = f"{row['broken_rows']} of 400 rows break it, {row['allowed_rows']} allowed"
    return {"pipeline": "revenue", **row, "checked_rows": 400, "decided_at": decided, "detail": detail}
