"""What every statement is given, and the rules that all CREATE statements share."""

from dataclasses import dataclass
from typing import Any

from calve.standin.snowflake import failures
from calve.standin.snowflake.access import Rights
from calve.standin.snowflake.catalog import Grant, Item, Schema, State
from calve.standin.snowflake.engine import Worker
from calve.standin.snowflake.names import Path, Place
from calve.standin.snowflake.session import Session
from calve.standin.snowflake.store import Store
from calve.standin.snowflake.tokens import Reader
from calve.standin.snowflake.wire import Rows, status

OK = "Statement executed successfully."


@dataclass(frozen=True)
class Context:
    """One statement of one session."""

    store: Store
    session: Session
    query_id: str
    parameters: list[Any] | None = None

    @property
    def place(self) -> Place:
        """Where unqualified names point."""
        return Place(self.session.database, self.session.schema)

    @property
    def worker(self) -> Worker:
        """What runs queries for the session."""
        return self.session.worker

    def rights(self, state: State) -> Rights:
        """Return what the session's role may do in a state."""
        return Rights(state, self.session.role)


@dataclass(frozen=True)
class Making:
    """How a CREATE statement meets an object that is already there."""

    replace: bool
    if_not_exists: bool

    def stop(self, name: str, owner: str | None, rights: Rights, kind: str) -> Rows | None:
        """Return the answer if nothing is to be made, None if the object is to be made.

        Args:
            owner: Of the object that has the name already; None if there is none.
        """
        if owner is None:
            return None
        if self.if_not_exists:
            return status(f"{name} already exists, statement succeeded.")
        if not self.replace:
            raise failures.exists(name)
        if not rights.owns(owner):
            raise failures.forbidden(kind=kind, name=name)
        return None


def making(reader: Reader, *, replace: bool) -> Making:
    """Consume IF NOT EXISTS.

    Raises:
        SqlError: OR REPLACE and IF NOT EXISTS exclude each other.
    """
    guarded = reader.accept("IF", "NOT", "EXISTS")
    if guarded and replace:
        msg = "options OR REPLACE and IF NOT EXISTS are mutually exclusive."
        raise failures.invalid(msg)
    return Making(replace, guarded)


def put(state: State, path: Path, item: Item, *, copy_grants: bool = False) -> None:
    """Place a table or view under its name; what had the name is gone, its grants are copied if asked."""
    before = path.schema.items.get(path.name)
    future = _future_grants(state, path, item)
    copied: frozenset[Grant] = frozenset()
    if before is not None:
        if copy_grants:
            copied = frozenset(
                Grant(grant.privilege, item.kind, item.id, grant.role)
                for grant in state.grants
                if grant.target == before.id
            )
        state.forget(before.id)
    path.schema.items[path.name] = item
    # Copied grants take the place of future grants (CREATE VIEW, usage notes of COPY GRANTS).
    state.grants |= copied if before is not None and copy_grants else future


def schema_ids(schema: Schema) -> list[int]:
    """Return the ids of a schema and of all that is in it."""
    inside = [item.id for item in schema.items.values()] + [policy.id for policy in schema.policies.values()]
    return [schema.id, *inside]


def _future_grants(state: State, path: Path, item: Item) -> frozenset[Grant]:
    waiting = [grant for grant in state.grants if grant.future and grant.kind == item.kind]
    # Grants on the schema take precedence over those on the database (GRANT ... ON FUTURE, considerations).
    nearest = [grant for grant in waiting if grant.target == path.schema.id]
    chosen = nearest or [grant for grant in waiting if grant.target == path.database.id]
    return frozenset(Grant(grant.privilege, item.kind, item.id, grant.role) for grant in chosen)
