"""A small project on disk, right in everything, that each test spoils in one way."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from calve.contract.loader import examine

FILES = {
    "iceberg/pipelines.yaml": """\
- pipeline: people
  doc: Who buys.
  schedule: "30 0 * * *"
  start: "2025-01-01"
  owner: {team: people-data, alerts: people}
- pipeline: money
  doc: What they buy.
  schedule: "0 2 * * 1-5"
  start: "2025-01-01"
  needs: [people]
  owner: {team: money-data, alerts: money}
""",
    "iceberg/sources/client.yaml": """\
source: client
doc: People who buy.
table: public.client
key: [client_id]
extract: whole
changed_by: updated_at
columns:
  - {name: client_id,  type: long,        doc: Client., class: restricted, land: hash, domain: client}
  - {name: full_name,  type: string,      doc: Name.,   class: restricted, land: drop}
  - {name: city,       type: string,      doc: Where they live.}
  - {name: updated_at, type: timestamptz, doc: Last change.}
""",
    "iceberg/sources/sale.yaml": """\
source: sale
doc: Sales.
table: public.sale
key: [sale_id]
extract: changes
changed_by: updated_at
deletes: {soft: is_deleted, compare_keys: sold_at}
totals: [amount]
columns:
  - {name: sale_id,    type: long,            doc: Sale.}
  - {name: client_id,  type: long,            doc: Buyer., class: restricted, land: hash, domain: client}
  - {name: sold_at,    type: timestamptz,     doc: When.}
  - {name: amount,     type: "decimal(12,2)", doc: Price.}
  - {name: is_deleted, type: boolean,         doc: Taken back.}
  - {name: updated_at, type: timestamptz,     doc: Last change.}
""",
    "iceberg/contracts/dim_client.yaml": """\
dataset: dim_client
pipeline: people
owner: {team: people-data, alerts: people}
doc: One row per client.
grain: [client_key]
from: [client]
load: snapshot
columns:
  - {name: client_key, type: string, doc: Keyed hash of the client., domain: client}
  - {name: city,       type: string, doc: Where they live.}
audit:
  - {unique: [client_key]}
""",
    "iceberg/contracts/fct_sale.yaml": """\
dataset: fct_sale
pipeline: money
owner: {team: money-data, alerts: money}
doc: One row per sale.
grain: [sale_id]
from: [sale]
reads: [dim_client]
load: merge
touched_by: [sale_id]
partition_by: [month(sold_at)]
sort_by: [client_key]
columns:
  - {name: sale_id,    type: long,            doc: Sale.}
  - {name: client_key, type: string,          doc: Keyed hash of the buyer., domain: client}
  - {name: sold_at,    type: timestamptz,     doc: When., immutable: true}
  - {name: sale_date,  type: date,            doc: UTC date of sold_at.}
  - {name: amount,     type: "decimal(12,2)", doc: Price., unit: EUR}
audit:
  - {complete: [sale_id, sold_at], else: block}
  - {between: amount, min: 0, max: 1000, else: quarantine, budget: {percent: 1, rows: 5}}
  - {sql: "sold_at < :until", else: quarantine}
  - {refers: client_key, to: dim_client, else: warn}
""",
    "iceberg/contracts/agg_sale_day.yaml": """\
dataset: agg_sale_day
pipeline: money
owner: {team: money-data, alerts: money}
doc: Sales per day.
grain: [sale_date]
derived_from: [fct_sale]
load: replace
replace_by: sale_date
columns:
  - {name: sale_date, type: date,            doc: UTC date.}
  - {name: amount,    type: "decimal(18,2)", doc: Sum., unit: EUR}
audit:
  - {conserve: amount, of: fct_sale, equals: amount}
""",
    "spark_apps/transforms/dim_client.py": "def curate_dim_client(client):\n    return client\n",
    "spark_apps/transforms/fct_sale.py": "def curate_fct_sale(*, sale, dim_client):\n    return sale\n",
    "spark_apps/transforms/agg_sale_day.py": (
        "def touched_agg_sale_day(changed, *, fct_sale):\n    return changed\n\n\n"
        "def curate_agg_sale_day(*, fct_sale, dates):\n    return fct_sale\n"
    ),
    "iceberg/views/sale_daily.sql": "select 1;\n",
}


@dataclass(frozen=True)
class Shop:
    """The small project."""

    folder: Path

    def write(self, file: str, text: str) -> None:
        path = self.folder / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def change(self, file: str, old: str, new: str) -> None:
        """Replace what must stand in the file exactly once."""
        text = (self.folder / file).read_text(encoding="utf-8")
        assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in {file}"
        self.write(file, text.replace(old, new))

    def mistakes(self) -> list[str]:
        """Return what the loader says, one line per mistake."""
        return [str(mistake) for mistake in examine(self.folder)[1]]


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    shop = Shop(tmp_path)
    for file, text in FILES.items():
        shop.write(file, text)
    return shop
