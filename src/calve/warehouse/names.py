"""The names of everything that calve owns in Snowflake, all derived from one database name.

Never puts text into a statement that is not a checked identifier or an escaped literal.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from calve.errors import ContractError
from calve.settings import Settings

LIVE = "LIVE"
REPORTING = "REPORTING"
IDLE_PATTERN = re.compile(r"^IDLE_E(\d+)$")
PUBLICATION = "PUBLICATION"
DATA_QUALITY = "DATA_QUALITY"
EXPOSURE = "EXPOSURE"
NATIVE_TABLES = (PUBLICATION, DATA_QUALITY, EXPOSURE)

_IDENTIFIER = re.compile(r"^[A-Z_][A-Z0-9_]{0,254}$")
# Snowflake's documentation, "Reserved & limited keywords": not usable as an unquoted table name.
_RESERVED_WORDS = """
    ALL ALTER AND ANY AS BETWEEN BY CASE CAST CHECK COLUMN CONNECT CONNECTION CONSTRAINT CREATE CROSS CURRENT
    CURRENT_DATE CURRENT_TIME CURRENT_TIMESTAMP CURRENT_USER DATABASE DELETE DISTINCT DROP ELSE EXISTS FALSE
    FOLLOWING FOR FROM FULL GRANT GROUP GSCLUSTER HAVING ILIKE IN INCREMENT INNER INSERT INTERSECT INTO IS ISSUE
    JOIN LATERAL LEFT LIKE LOCALTIME LOCALTIMESTAMP MINUS NATURAL NOT NULL OF ON OR ORDER ORGANIZATION QUALIFY
    REGEXP REVOKE RIGHT RLIKE ROW ROWS SAMPLE SCHEMA SELECT SET SOME START TABLE TABLESAMPLE THEN TO TRIGGER TRUE
    TRY_CAST UNION UNIQUE UPDATE USING VALUES VIEW WHEN WHENEVER WHERE WITH"""
_RESERVED = frozenset(_RESERVED_WORDS.split())


def identifier(name: str) -> str:
    """Return the name as Snowflake stores it unquoted.

    Raises:
        ContractError: The name would need quotes, which no view of ours writes.
    """
    upper = name.upper()
    if not _IDENTIFIER.match(upper) or upper in _RESERVED:
        msg = (
            f"snowflake name '{name}': found something that must be quoted, expected letters, digits and _ "
            "that are no reserved word; rename the dataset, role or policy"
        )
        raise ContractError(msg)
    return upper


def literal(text: str) -> str:
    """Return the text as a literal of Snowflake SQL, in which a backslash escapes."""
    escaped = text.replace("\\", "\\\\").replace("'", "''")
    return f"'{escaped}'"


@dataclass(frozen=True)
class Names:
    """The names of one installation; two installations in one account differ in their database."""

    database: str
    external_volume: str
    catalog_integration: str
    user: str

    @classmethod
    def of(cls, settings: Settings) -> Names:
        """Derive the names from the settings."""
        return cls(
            identifier(settings.snowflake_database),
            identifier(settings.snowflake_external_volume),
            identifier(settings.snowflake_catalog_integration),
            identifier(settings.snowflake_user),
        )

    @property
    def owner(self) -> str:
        """Return the role that owns LIVE, the idle schema and their tables."""
        return f"{self.database}_OWNER"

    @property
    def deployer(self) -> str:
        """Return the role that owns the views."""
        return f"{self.database}_DEPLOYER"

    def reader(self, reader: str) -> str:
        """Return the role of a reader that a contract names."""
        return identifier(f"{self.database}_{reader}")

    def schema(self, schema: str) -> str:
        """Return the schema's full name."""
        return f"{self.database}.{identifier(schema)}"

    def table(self, schema: str, table: str) -> str:
        """Return the table's or view's full name."""
        return f"{self.schema(schema)}.{identifier(table)}"


def idle_schema(epoch: int) -> str:
    """Return the name of the idle schema under an exposer's epoch."""
    return f"IDLE_E{epoch}"
