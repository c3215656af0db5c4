"""Integer arrays as the Arrow columns that PostgreSQL loads: money, instants, dates.

Never rounds: cents and milliseconds stay exact.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from calve.standin.source.clock import EPOCH_MS, Ints

_EPOCH_DAYS = EPOCH_MS // 86_400_000


def money(cents: Ints) -> pa.Array:
    """Return cents as decimal(14,2)."""
    words = np.empty((len(cents), 2), dtype=np.int64)
    words[:, 0] = cents
    words[:, 1] = cents >> 63
    return pa.Array.from_buffers(pa.decimal128(14, 2), len(cents), [None, pa.py_buffer(words)])


def instants(ms: Ints, null: NDArray[np.bool_] | None = None) -> pa.Array:
    """Return milliseconds since HISTORY_START as instants in UTC."""
    safe = ms if null is None else np.where(null, 0, ms)
    return pa.array((safe + EPOCH_MS) * 1000, pa.timestamp("us", "UTC"), mask=null)


def dates(days: Ints, null: NDArray[np.bool_] | None = None) -> pa.Array:
    """Return day numbers as dates."""
    return pa.array((days + _EPOCH_DAYS).astype(np.int32), pa.date32(), mask=null)


def integers(values: Ints, null: NDArray[np.bool_] | None = None) -> pa.Array:
    """Return whole numbers."""
    return pa.array(values, pa.int64(), mask=null)
