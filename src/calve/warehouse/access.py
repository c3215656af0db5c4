"""What readers may see: the views of the project and the grants of its contracts, compared and made so.

Changes no row that anybody reads, and needs no swap.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from snowflake.connector import SnowflakeConnection
from snowflake.connector.errors import ProgrammingError

from calve.contract.project import Project
from calve.errors import WarehouseStateError
from calve.settings import Settings
from calve.warehouse import grants, masking, views
from calve.warehouse.account import Sessions, prepare_readers
from calve.warehouse.connection import refusal
from calve.warehouse.grants import Grant
from calve.warehouse.names import LIVE, NATIVE_TABLES, REPORTING, Names
from calve.warehouse.served import Served

Objects = list[tuple[str, str]]


@dataclass(frozen=True)
class Access:
    """The views and grants that a project wants, and the sessions that can make them."""

    settings: Settings
    project: Project
    names: Names
    views: tuple[views.View, ...]
    opened: Sessions

    def still_read(self) -> frozenset[str]:
        """Return the tables that deployed views name."""
        return views.tables_still_read(self._deployed())

    def is_current(self, live: Served) -> bool:
        """Say whether views, and grants on LIVE and on the views, are as the project wants them."""
        texts, tables = self._deployed(), frozenset(live.snapshots)
        ready = views.ready(self.views, tables | set(NATIVE_TABLES))
        if texts.keys() - {view.name for view in self.views} or views.outdated(ready, texts, self.names):
            return False
        off = (
            masking.differences(self.opened.owner, self.names, self.project, LIVE, tables),
            *grants.differences(self.opened.owner, *self._in_schema(LIVE, tables)),
            *grants.differences(self.opened.deployer, *self._on_views(texts)),
        )
        return not any(off)

    def grant(self, schema: str, tables: frozenset[str]) -> list[str]:
        """Mask and grant the tables of a schema as the contracts say, in this order, and say what changed."""
        owner = self.opened.owner
        changes = masking.differences(owner, self.names, self.project, schema, tables)
        done = masking.apply(owner, self.names, self.project, schema, changes)
        return done + self._reconcile(owner, *self._in_schema(schema, tables))

    def must_be_granted(self, schema: str, tables: frozenset[str]) -> None:
        """Read grants and masking back: after a swap they are those of LIVE.

        Raises:
            WarehouseStateError: Names what differs from the contracts.
        """
        missing, surplus = grants.differences(self.opened.owner, *self._in_schema(schema, tables))
        unmasked = masking.differences(self.opened.owner, self.names, self.project, schema, tables)
        off = [f"no {grant}" for grant in missing] + [str(grant) for grant in surplus]
        off += [f"{table}.{column} not under {policy}" for table, column, policy in unmasked]
        if off:
            msg = (
                f"grants of {schema}: found {'; '.join(off)}, expected those of the contracts; nothing was "
                "swapped, look who else grants there"
            )
            raise WarehouseStateError(msg)

    def deploy(self, live: Served) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Deploy the views and set the grants on LIVE and on them; return the views and the grants that changed."""
        tables = frozenset(live.snapshots)
        done = self.grant(LIVE, tables)
        present = views.ready(self.views, tables | set(NATIVE_TABLES))
        declared = frozenset(view.name for view in self.views)
        replaced = views.deploy(self.opened.deployer, self.names, present, declared=declared)
        done += self._reconcile(self.opened.deployer, *self._on_views(self._deployed()))
        return tuple(replaced), tuple(done)

    def _deployed(self) -> dict[str, str]:
        return views.deployed(self.opened.deployer, self.names)

    def _in_schema(self, schema: str, tables: frozenset[str]) -> tuple[Objects, set[Grant]]:
        objects = [("TABLE", self.names.table(schema, table)) for table in (*tables, *NATIVE_TABLES)]
        expected = grants.expected_in_schema(self.names, self.project, schema, tables)
        return [("SCHEMA", self.names.schema(schema)), *objects], expected

    def _on_views(self, deployed: Iterable[str]) -> tuple[Objects, set[Grant]]:
        there = set(deployed)
        under = views.tables_under(self.views)
        full = {self.names.table(REPORTING, view): tables for view, tables in under.items() if view in there}
        return [("VIEW", name) for name in full], grants.view_readers(self.names, self.project, full)

    def _reconcile(self, conn: SnowflakeConnection, objects: Objects, expected: set[Grant]) -> list[str]:
        missing, surplus = grants.differences(conn, objects, expected)
        if missing and self.settings.profile == "local":
            prepare_readers(self.settings, self.names, grants.all_readers(self.project))
        try:
            return grants.apply(conn, missing, surplus)
        except ProgrammingError as error:
            roles = ", ".join(sorted({grant.role for grant in missing}))
            advice = f"have an administrator make the roles {roles} as in docs/snowflake.md"
            what = "GRANT or REVOKE"
            raise refusal(what, error, advice=advice) from error
