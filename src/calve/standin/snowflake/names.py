"""Finds what a name means in one state, for one session and role.

A schema that the role may not use hides everything inside it.
"""

from dataclasses import dataclass

from calve.standin.snowflake import failures
from calve.standin.snowflake.access import Rights
from calve.standin.snowflake.catalog import Database, Item, Schema, State


@dataclass(frozen=True)
class Place:
    """Where unqualified names point."""

    database: str | None
    schema: str | None


@dataclass(frozen=True)
class Path:
    """A full name of an object inside a schema, and the containers that it names."""

    database_name: str
    schema_name: str
    name: str
    database: Database
    schema: Schema

    @property
    def full(self) -> str:
        """The name as messages show it."""
        return f"{self.database_name}.{self.schema_name}.{self.name}"

    def item(self, rights: Rights, kind: str = "Object") -> Item:
        """Return the table or view there, or say that there is none."""
        found = self.schema.items.get(self.name)
        if found is None or not rights.sees(found.id, found.owner):
            raise failures.missing(kind=kind, name=self.full)
        return found


def find_database(state: State, rights: Rights, name: str) -> Database:
    """Return a database that the role sees."""
    found = state.databases.get(name)
    if found is None or not rights.sees(found.id, found.owner):
        raise failures.missing(kind="Database", name=name)
    return found


def qualified_schema(place: Place, parts: tuple[str, ...]) -> tuple[str, str]:
    """Return database and schema of a schema's name."""
    match parts:
        case (database, name):
            return database, name
        case (name,) if place.database is not None:
            return place.database, name
        case (_,):
            raise no_current(what="DATABASE")
    msg = f"'{'.'.join(parts)}' is no name of a schema; give database.schema."
    raise failures.invalid(msg)


def find_schema(state: State, rights: Rights, place: Place, parts: tuple[str, ...]) -> tuple[str, str, Schema]:
    """Return database name, name and schema, of a schema that the role sees."""
    database_name, name = qualified_schema(place, parts)
    database = state.databases.get(database_name)
    schema = database.schemas.get(name) if database else None
    if database is None or schema is None or not rights.sees(schema.id, schema.owner):
        raise failures.missing(kind="Schema", name=f"{database_name}.{name}")
    return database_name, name, schema


def find_path(state: State, rights: Rights, place: Place, parts: tuple[str, ...]) -> Path:
    """Return where an object of this name is or would be; its schema must be usable."""
    if len(parts) == 1 and place.schema is None:
        raise no_current(what="SCHEMA" if place.database else "DATABASE")
    schema_parts = parts[:-1] or ((place.database or "", place.schema or ""))
    database_name, schema_name = qualified_schema(place, schema_parts)
    database = state.databases.get(database_name)
    schema = database.schemas.get(schema_name) if database else None
    if database is None or schema is None or not rights.may_use_schema(database, schema):
        raise failures.missing(kind="Schema", name=f"{database_name}.{schema_name}")
    return Path(database_name, schema_name, parts[-1], database, schema)


def no_current(what: str) -> failures.SqlError:
    """Say that a session has no current DATABASE or SCHEMA."""
    text = (
        f"Cannot perform operation. This session does not have a current {what.lower()}. "
        f"Call 'USE {what}', or use a qualified name."
    )
    return failures.SqlError({"DATABASE": 90105, "SCHEMA": 90106}[what], "22000", text)
