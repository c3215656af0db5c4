"""Puts results into the form that Snowflake's clients read.

Query results travel as Arrow with Snowflake's logical types, everything else as JSON, as Snowflake does it.
Values are never rounded on the way: timestamps keep microseconds, numbers their scale.
"""

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

SELECT, INSERT, UPDATE, DELETE, SHOW, DDL = 0x1000, 0x3100, 0x3200, 0x3300, 0x4400, 0x6000
_MICROSECONDS = 6


@dataclass(frozen=True)
class Rows:
    """A small result: column names and types (`text`, `fixed`, `boolean`, `timestamp_ltz`), and rows."""

    columns: tuple[tuple[str, str], ...]
    rows: Sequence[tuple[Any, ...]]
    statement: int = DDL


@dataclass(frozen=True)
class Selected:
    """The result of a query."""

    table: pa.Table


Result = Rows | Selected


def status(message: str) -> Rows:
    """Return the one-line answer of a statement that changes something."""
    return Rows((("status", "text"),), [(message,)])


def counted(verb: str, count: int, statement: int) -> Rows:
    """Return the answer of a statement that changed rows."""
    return Rows(((f"number of rows {verb}", "fixed"),), [(count,)], statement)


def encoded(result: Result) -> dict[str, Any]:
    """Return the fields of a reply that describe and hold a result."""
    if isinstance(result, Rows):
        return {
            "rowtype": [
                _rowtype(name, kind, 38, 0 if kind == "fixed" else _MICROSECONDS) for name, kind in result.columns
            ],
            "rowset": [[_text(value) for value in row] for row in result.rows],
            "total": len(result.rows),
            "returned": len(result.rows),
            "queryResultFormat": "json",
            "statementTypeId": result.statement,
        }
    columns = [_column(field, result.table.column(at)) for at, field in enumerate(result.table.schema)]
    schema = pa.schema([field for field, _, _ in columns])
    table = pa.Table.from_arrays([values for _, values, _ in columns], schema=schema)
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, schema) as writer:
        writer.write_table(table.combine_chunks())
    body = base64.b64encode(sink.getvalue()).decode() if table.num_rows else ""
    return {
        "rowtype": [described for _, _, described in columns],
        "rowsetBase64": body,
        "total": table.num_rows,
        "returned": table.num_rows,
        "queryResultFormat": "arrow",
        "statementTypeId": SELECT,
    }


def _column(field: pa.Field, values: pa.ChunkedArray) -> tuple[pa.Field, pa.ChunkedArray, dict[str, Any]]:
    kind, precision, scale = _logical(field.type)
    if kind == "fixed" and scale == 0:
        values = _whole(values)
    elif kind in {"timestamp_ntz", "timestamp_ltz"}:
        target = pa.timestamp("us", field.type.tz)
        values = values.cast(target).cast(pa.int64())
    elif kind == "time":
        values = values.cast(pa.time64("us")).cast(pa.int64())
    elif kind == "real":
        values = values.cast(pa.float64())
    elif kind in {"text", "variant"}:
        values = _strings(values)
    described = _rowtype(field.name, kind, precision, scale)
    metadata = {
        "logicalType": kind.upper(),
        "precision": str(precision),
        "scale": str(scale),
        "charLength": str(described["length"] or 0),
    }
    return pa.field(field.name, values.type, metadata=metadata), values, described


def _logical(arrow: pa.DataType) -> tuple[str, int, int]:
    if pa.types.is_decimal(arrow):
        return "fixed", arrow.precision, arrow.scale
    if pa.types.is_integer(arrow):
        return "fixed", {8: 3, 16: 5, 32: 10}.get(arrow.bit_width, 19), 0
    if pa.types.is_timestamp(arrow):
        return ("timestamp_ltz" if arrow.tz else "timestamp_ntz"), 0, _MICROSECONDS
    simple = {
        "boolean": pa.types.is_boolean,
        "real": pa.types.is_floating,
        "date": pa.types.is_date,
        "time": pa.types.is_time,
        "binary": pa.types.is_binary,
    }
    kind = next((name for name, matches in simple.items() if matches(arrow)), None)
    if kind is not None:
        return kind, 0, _MICROSECONDS if kind == "time" else 0
    nested = pa.types.is_nested(arrow) or isinstance(arrow, pa.BaseExtensionType)
    return ("variant" if nested else "text"), 0, 0


def _whole(values: pa.ChunkedArray) -> pa.ChunkedArray:
    """Send whole numbers as 64-bit integers where they fit, as Snowflake does."""
    try:
        return values.cast(pa.int64())
    except pa.ArrowInvalid:
        return values


def _strings(values: pa.ChunkedArray) -> pa.ChunkedArray:
    if isinstance(values.type, pa.BaseExtensionType):
        values = pa.chunked_array([chunk.storage for chunk in values.chunks], values.type.storage_type)
    if pa.types.is_nested(values.type):
        texts = [None if value is None else json.dumps(value, default=str) for value in values.to_pylist()]
        return pa.chunked_array([pa.array(texts, pa.string())])
    return pc.cast(values, pa.string())


def _rowtype(name: str, kind: str, precision: int, scale: int) -> dict[str, Any]:
    length = {"text": 134217728, "variant": 134217728, "binary": 67108864}.get(kind)
    return {
        "name": name,
        "database": "",
        "schema": "",
        "table": "",
        "nullable": True,
        "type": kind,
        "byteLength": length,
        "length": length,
        "scale": scale if kind not in {"text", "variant", "boolean", "date", "real", "binary"} else None,
        "precision": precision if kind in {"fixed", "time", "timestamp_ltz", "timestamp_ntz"} else None,
        "collation": None,
    }


def _text(value: Any) -> str | None:
    if value is None:
        return None
    if isinstance(value, bool):
        return "1" if value else "0"
    return str(value)
