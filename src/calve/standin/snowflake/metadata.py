"""Reads an Iceberg metadata file and says what Snowflake would make of it.

Only the file that a statement named is read, never a neighbour and never a newer one. A file that is absent,
broken, or of another table raises before anything changed.
"""

import json
import re
import time
from dataclasses import dataclass
from typing import Any

from calve.standin.snowflake import failures
from calve.standin.snowflake.catalog import Column, Refresh, Volume
from calve.standin.snowflake.engine import Worker

_TYPES = {
    "boolean": "BOOLEAN",
    "int": "NUMBER(10,0)",
    "long": "NUMBER(19,0)",
    "float": "FLOAT",
    "double": "FLOAT",
    "date": "DATE",
    "time": "TIME(6)",
    "timestamp": "TIMESTAMP_NTZ(6)",
    "timestamptz": "TIMESTAMP_LTZ(6)",
    "string": "VARCHAR(134217728)",
    "uuid": "BINARY(16)",
    "binary": "BINARY(67108864)",
}


@dataclass(frozen=True)
class TableMetadata:
    """What a metadata file says about the current state of its table."""

    uri: str
    table_uuid: str
    columns: tuple[Column, ...]
    schema_id: str
    snapshot: dict[str, Any] | None

    def refresh(self, query_id: str) -> Refresh:
        """Return the record of pointing a table at this file now."""
        shot = self.snapshot or {}
        sequence = shot.get("sequence-number")
        return Refresh(
            refreshed_at=time.time(),
            metadata_uri=self.uri,
            snapshot_id=str(shot["snapshot-id"]) if shot else None,
            sequence_number=None if sequence is None else str(sequence),
            schema_id=self.schema_id,
            query_id=query_id,
            summary=json.dumps(shot["summary"]) if "summary" in shot else None,
            snapshot_at=shot["timestamp-ms"] / 1000 if shot else None,
        )


def location(volume: Volume, path: str) -> str:
    """Return the address of a path relative to a volume's storage location."""
    if not path or path.startswith("/") or re.match(r"[a-z0-9]+://", path, re.IGNORECASE) or ".." in path.split("/"):
        msg = f"Invalid metadata file path '{path}': give it relative to {volume.base_url}, without a leading slash."
        raise failures.SqlError(91383, "22023", f"SQL compilation error:\n{msg}")
    if not path.endswith(".metadata.json"):
        msg = f"Invalid metadata file path '{path}': an Iceberg metadata file ends in .metadata.json."
        raise failures.SqlError(91383, "22023", f"SQL compilation error:\n{msg}")
    return volume.base_url.rstrip("/") + "/" + path


def load(worker: Worker, uri: str) -> TableMetadata:
    """Read one metadata file and make sure that its manifests are there."""
    (text,) = worker.rows("select content from read_text(?)", [uri])[0]
    try:
        found = _parsed(uri, json.loads(text))
    except (ValueError, KeyError, TypeError, StopIteration) as error:
        msg = f"Iceberg metadata file '{uri}' cannot be parsed: {type(error).__name__} {error}"
        raise failures.SqlError(91388, "22000", f"SQL compilation error:\n{msg}") from error
    if found.snapshot is not None:
        worker.rows("select count(*) from iceberg_metadata(?)", [uri])
    return found


def scan(uri: str, columns: tuple[Column, ...]) -> str:
    """Return the DuckDB query that reads a table through one metadata file."""
    names = ", ".join(f"{_quoted(column.field)} as {_quoted(column.name)}" for column in columns)
    return f"select {names} from iceberg_scan('{uri.replace(chr(39), chr(39) * 2)}')"


def _parsed(uri: str, content: dict[str, Any]) -> TableMetadata:
    if content["format-version"] not in {1, 2}:
        raise failures.not_modelled(what=f"Iceberg format version {content['format-version']}")
    schema_id = content["current-schema-id"]
    schema = next(entry for entry in content["schemas"] if entry["schema-id"] == schema_id)
    current = content.get("current-snapshot-id")
    snapshot = None
    if current is not None and current != -1:
        snapshot = next(entry for entry in content["snapshots"] if entry["snapshot-id"] == current)
    columns = tuple(_column(entry) for entry in schema["fields"])
    return TableMetadata(uri, content["table-uuid"], columns, str(schema_id), snapshot)


def _column(entry: dict[str, Any]) -> Column:
    name, written = entry["name"], entry["type"]
    if not isinstance(written, str):
        raise failures.not_modelled(what=f"Iceberg type {written['type']} (column {name})")
    if decimal := re.fullmatch(r"decimal\((\d+), ?(\d+)\)", written):
        shown = f"NUMBER({decimal.group(1)},{decimal.group(2)})"
    elif fixed := re.fullmatch(r"fixed\[(\d+)\]", written):
        shown = f"BINARY({fixed.group(1)})"
    elif written in _TYPES:
        shown = _TYPES[written]
    else:
        raise failures.not_modelled(what=f"Iceberg type {written} (column {name})")
    return Column(name.upper(), shown, nullable=not entry.get("required", False), field=name)


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
