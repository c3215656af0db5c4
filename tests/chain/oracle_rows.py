"""What the shop says a dataset or view must hold, and what the lake holds, in a form that can be compared."""

from __future__ import annotations

import hashlib
import hmac
from datetime import UTC, date, datetime, timedelta
from typing import Any

from chain_engine import Lake
from lake_play import values
from shop_oracle import expected

from calve.standin.source import HISTORY_START

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def rows_of_oracle(lake: Lake, name: str, until: date) -> list[dict[str, Any]]:
    """Return the oracle's rows of a dataset or view; accounts are hashed as the lake's key does it."""
    secret = lake.settings.hash_key.get_secret_value().encode()

    def keyed(account: int) -> str:
        digest = hmac.new(secret, f"account:{account}".encode(), hashlib.sha256).hexdigest()
        return f"{lake.settings.hash_key_id}:{digest}"

    return expected(lake.shop, name, HISTORY_START, until, key=keyed)


def wanted(lake: Lake, dataset: str, until: date) -> set[tuple[object, ...]]:
    """Return the rows that a dataset must have."""
    columns = lake.project.contracts[dataset].column_names
    return {tuple(_plain(row[column]) for column in columns) for row in rows_of_oracle(lake, dataset, until)}


def held(lake: Lake, dataset: str) -> set[tuple[object, ...]]:
    """Return the rows that `main` of a dataset has."""
    lake.activate()
    return values(lake.session.table(f"curated.{dataset}"), lake.project.contracts[dataset].column_names)


def _plain(value: object) -> object:
    return (value - _EPOCH) // timedelta(microseconds=1) if isinstance(value, datetime) else value
