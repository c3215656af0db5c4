"""The column types of contracts, and what each engine calls them.

One table for all engines: a type that one of them can't hold is no type of a contract.
"""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, WithJsonSchema

_DECIMAL = re.compile(r"^decimal\((\d{1,2}),(\d{1,2})\)$")
MAX_PRECISION = 38

# contract → (Spark SQL, Snowflake as the external Iceberg table shows it, PostgreSQL types that land in it)
_SIMPLE: dict[str, tuple[str, str, tuple[str, ...]]] = {
    "boolean": ("boolean", "BOOLEAN", ("boolean",)),
    "int": ("int", "NUMBER(10,0)", ("integer", "smallint")),
    "long": ("bigint", "NUMBER(19,0)", ("bigint", "integer", "smallint")),
    "double": ("double", "FLOAT", ("double precision", "real")),
    "string": ("string", "VARCHAR(134217728)", ("text", "character varying", "character", "uuid")),
    "date": ("date", "DATE", ("date",)),
    "timestamptz": ("timestamp", "TIMESTAMP_LTZ(6)", ("timestamp with time zone",)),
}

# What other systems call these types.
_MEANT = {
    **dict.fromkeys(("bigint", "int8", "int64"), "long"),
    **dict.fromkeys(("integer", "smallint", "int4", "int32"), "int"),
    **dict.fromkeys(("text", "varchar", "char", "str", "uuid"), "string"),
    **dict.fromkeys(("timestamp", "datetime", "timestamp_ntz", "timestamp_ltz"), "timestamptz"),
    **dict.fromkeys(("float", "real", "double precision"), "double"),
    **dict.fromkeys(("numeric", "number", "money", "decimal"), "decimal(12,2)"),
    "bool": "boolean",
}


def check_type(text: str) -> str:
    """Return the type when every engine maps it.

    Raises:
        ValueError: Names the types there are.
    """
    if text in _SIMPLE:
        return text
    if match := _DECIMAL.match(text):
        precision, scale = int(match[1]), int(match[2])
        if 1 <= precision <= MAX_PRECISION and scale <= precision:
            return text
        msg = f"type '{text}': precision must be 1 to {MAX_PRECISION} and scale at most the precision"
        raise ValueError(msg)
    known = f"{', '.join(_SIMPLE)}, decimal(precision,scale)"
    meant = _MEANT.get(text.partition("(")[0].strip().lower())
    msg = f"type '{text}' is mapped by no engine; there are {known}{f'; did you mean {meant}?' if meant else ''}"
    raise ValueError(msg)


_WRITTEN = rf"^({'|'.join(_SIMPLE)}|decimal\(\d{{1,2}},\d{{1,2}}\))$"
TypeName = Annotated[str, AfterValidator(check_type), WithJsonSchema({"type": "string", "pattern": _WRITTEN})]


def spark_type(text: str) -> str:
    """Return the type's name in Spark SQL, which is also its DDL for Iceberg."""
    return text if _DECIMAL.match(text) else _SIMPLE[text][0]


def snowflake_type(text: str) -> str:
    """Return the type that Snowflake shows for the column of an external Iceberg table."""
    if match := _DECIMAL.match(text):
        return f"NUMBER({match[1]},{match[2]})"
    return _SIMPLE[text][1]


def postgresql_types(text: str) -> tuple[str, ...]:
    """Return the PostgreSQL types (`format_type` without modifiers) that land in this type."""
    return ("numeric",) if _DECIMAL.match(text) else _SIMPLE[text][2]
