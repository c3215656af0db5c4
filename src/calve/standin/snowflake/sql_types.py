"""Snowflake's type names and DuckDB's, for tables that the stand-in keeps itself and for view columns."""

import re

from calve.standin.snowflake import failures

_VARCHAR = 16777216
_WORDS = {
    **dict.fromkeys(("NUMBER", "DECIMAL", "NUMERIC"), "NUMBER"),
    **dict.fromkeys(("INT", "INTEGER", "BIGINT", "SMALLINT", "TINYINT", "BYTEINT"), "NUMBER(38,0)"),
    **dict.fromkeys(("FLOAT", "FLOAT4", "FLOAT8", "DOUBLE", "DOUBLE PRECISION", "REAL"), "FLOAT"),
    **dict.fromkeys(("VARCHAR", "STRING", "TEXT", "CHAR", "CHARACTER"), "VARCHAR"),
    "BOOLEAN": "BOOLEAN",
    "DATE": "DATE",
    "TIME": "TIME",
    **dict.fromkeys(("TIMESTAMP", "DATETIME", "TIMESTAMP_NTZ", "TIMESTAMPNTZ"), "TIMESTAMP_NTZ"),
    **dict.fromkeys(("TIMESTAMP_LTZ", "TIMESTAMPLTZ"), "TIMESTAMP_LTZ"),
    **dict.fromkeys(("BINARY", "VARBINARY"), "BINARY"),
}
_FROM_DUCK = {
    "BOOLEAN": "BOOLEAN",
    "TINYINT": "NUMBER(3,0)",
    "SMALLINT": "NUMBER(5,0)",
    "INTEGER": "NUMBER(10,0)",
    "BIGINT": "NUMBER(19,0)",
    "UBIGINT": "NUMBER(20,0)",
    "HUGEINT": "NUMBER(38,0)",
    "FLOAT": "FLOAT",
    "DOUBLE": "FLOAT",
    "DATE": "DATE",
    "TIME": "TIME(9)",
    "TIMESTAMP": "TIMESTAMP_NTZ(9)",
    "TIMESTAMP_NS": "TIMESTAMP_NTZ(9)",
    "TIMESTAMP WITH TIME ZONE": "TIMESTAMP_LTZ(9)",
    "VARCHAR": f"VARCHAR({_VARCHAR})",
    "BLOB": "BINARY(8388608)",
}


def canonical(written: str) -> str:
    """Return the type as DESCRIBE shows it, from a column definition.

    Raises:
        SqlError: The type is unknown, or not modelled.
    """
    match = re.fullmatch(r"([A-Z_0-9]+(?: PRECISION)?)\s*(?:\(\s*(\d+)\s*(?:,\s*(\d+)\s*)?\))?", written.upper())
    word = _WORDS.get(match.group(1)) if match else None
    if match is None or word is None:
        if re.match(r"(VARIANT|OBJECT|ARRAY|GEOGRAPHY|GEOMETRY|VECTOR|TIMESTAMP_?TZ|MAP|UUID|FILE)\b", written.upper()):
            raise failures.not_modelled(what=f"type {written.upper()} of a native table")
        text = f"SQL compilation error:\nUnsupported data type '{written.upper()}'."
        raise failures.SqlError(2040, "42601", text)
    first, second = match.group(2), match.group(3)
    if word == "NUMBER":
        return f"NUMBER({first or 38},{second or 0})"
    if word in {"VARCHAR", "BINARY"}:
        return f"{word}({first or (_VARCHAR if word == 'VARCHAR' else 8388608)})"
    return f"{word}({first or 9})" if word.startswith("TIME") else word


def duck_type(shown: str) -> str:
    """Return DuckDB's type for one that `canonical` made."""
    word, _, _ = shown.partition("(")
    if word == "NUMBER":
        return shown.replace("NUMBER", "DECIMAL")
    names = {
        "VARCHAR": "VARCHAR",
        "BINARY": "BLOB",
        "FLOAT": "DOUBLE",
        "TIMESTAMP_NTZ": "TIMESTAMP",
        "TIMESTAMP_LTZ": "TIMESTAMPTZ",
    }
    return names.get(word, word)


def from_duck(written: str) -> str:
    """Return Snowflake's type for the type of a DuckDB column."""
    if written.startswith("DECIMAL"):
        return written.replace("DECIMAL", "NUMBER")
    return _FROM_DUCK.get(written, "VARIANT")
