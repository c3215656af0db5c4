"""What tests ask of the stand-in: statements of any role, and faults."""

from __future__ import annotations

import json
import urllib.request
from typing import Any

from calve.settings import Settings
from calve.warehouse.connection import connect, execute
from calve.warehouse.names import Names


class Standin:
    """The stand-in, and one test's database in it."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.names = Names.of(settings)
        self._admin = connect(settings)

    def sql(self, statement: str, role: str | None = None) -> list[tuple[Any, ...]]:
        """Execute a statement, `{db}` being the database, as administrator or as another role."""
        statement = statement.replace("{db}", self.names.database)
        if role is None:
            return [tuple(row.values()) for row in execute(self._admin, statement)]
        if role != self.names.owner:
            execute(self._admin, f"GRANT ROLE {role} TO USER {self.names.user}")
        conn = connect(self._settings, role)
        try:
            return [tuple(row.values()) for row in execute(conn, statement)]
        finally:
            conn.close()

    def schemas(self) -> set[str]:
        """Return the schemas of the database that are ours."""
        rows = execute(self._admin, f"SHOW SCHEMAS IN DATABASE {self.names.database}")
        return {row["name"] for row in rows} - {"PUBLIC", "INFORMATION_SCHEMA"}

    def served(self) -> dict[str, int]:
        """Return the publication that each table of LIVE shows in its rows."""
        names = [
            row["name"] for row in execute(self._admin, f"SHOW ICEBERG TABLES IN SCHEMA {self.names.schema('LIVE')}")
        ]
        return {name: self.sql(f"select max(made_in) from {self.names.table('LIVE', name)}")[0][0] for name in names}

    def fault(self, kind: str, pattern: str, times: int = 1) -> None:
        """Let statements that match go wrong."""
        self._faults("POST", {"kind": kind, "pattern": pattern.replace("{db}", self.names.database), "times": times})

    def struck(self) -> list[str]:
        """Return the statements that went wrong."""
        return [sql for fault in self._faults("GET")["faults"] for sql in fault["struck"]]

    def no_faults(self) -> None:
        """Answer everything again."""
        self._faults("DELETE")

    def close(self) -> None:
        """End the administrator's session."""
        self._admin.close()

    def _faults(self, method: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        url = f"http://127.0.0.1:{self._settings.snowflake_port}/_faults"
        data = None if body is None else json.dumps(body).encode()
        with urllib.request.urlopen(urllib.request.Request(url, data=data, method=method), timeout=10) as reply:
            return json.loads(reply.read())
