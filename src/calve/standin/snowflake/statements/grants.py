"""GRANT and REVOKE of privileges on objects.

Privileges that do not exist for a kind of object are errors; grants are kept by object, so they follow it
through renames and swaps.
"""

from dataclasses import dataclass
from dataclasses import replace as changed

from calve.standin.snowflake import failures
from calve.standin.snowflake.access import Rights
from calve.standin.snowflake.catalog import ACCOUNT_ID, Database, Grant, Integration, Role, Schema, State, Volume
from calve.standin.snowflake.names import find_database, find_path, find_schema
from calve.standin.snowflake.statements.context import OK, Context
from calve.standin.snowflake.tokens import Reader
from calve.standin.snowflake.wire import Rows, status

_ROWS = ("SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES")
PRIVILEGES: dict[str, tuple[str, ...]] = {
    "TABLE": _ROWS,
    "ICEBERG TABLE": _ROWS,
    "VIEW": ("SELECT", "REFERENCES"),
    "SCHEMA": (
        *("USAGE", "MODIFY", "MONITOR", "CREATE TABLE", "CREATE VIEW", "CREATE ICEBERG TABLE"),
        "CREATE MASKING POLICY",
    ),
    "DATABASE": ("USAGE", "MODIFY", "MONITOR", "CREATE SCHEMA"),
    "EXTERNAL VOLUME": ("USAGE",),
    "INTEGRATION": ("USAGE",),
    "MASKING POLICY": ("APPLY",),
    "ACCOUNT": (
        *("CREATE DATABASE", "CREATE EXTERNAL VOLUME", "CREATE INTEGRATION", "CREATE ROLE", "CREATE USER"),
        *("MANAGE GRANTS", "APPLY MASKING POLICY"),
    ),
}
_KINDS = (
    *("EXTERNAL VOLUME", "INTEGRATION", "DATABASE", "SCHEMA", "ICEBERG TABLE", "TABLE", "VIEW"),
    *("MASKING POLICY", "ROLE"),
)
_PLURALS = {"ICEBERG TABLES": "ICEBERG TABLE", "TABLES": "TABLE", "VIEWS": "VIEW"}


@dataclass(frozen=True)
class Target:
    """What a GRANT names: objects that are there, or future ones of a container.

    Attributes:
        things: Id, owner and kind of each object; for future objects, of their container.
    """

    kind: str
    things: tuple[tuple[int, str, str], ...]
    future: bool = False


def change_privileges(reader: Reader, context: Context, *, give: bool) -> Rows:
    """GRANT privileges ON target TO ROLE r, REVOKE privileges ON target FROM ROLE r."""
    if not give and reader.accept("GRANT", "OPTION", "FOR"):
        raise failures.not_modelled(what="REVOKE GRANT OPTION FOR")
    names = _privileges(reader)
    reader.expect("ON")
    with context.store.change() as state:
        rights = context.rights(state)
        target = _target(reader, context, state, rights)
        reader.expect("TO" if give else "FROM")
        if reader.words(1) in {"USER", "SHARE", "APPLICATION", "DATABASE"}:
            raise failures.not_modelled(what=f"grants to {reader.words(1)}")
        reader.accept("ROLE")
        role = reader.identifier()
        if role not in state.roles:
            raise failures.missing(kind="Role", name=role)
        _authorise(rights, target)
        if names == ["OWNERSHIP"]:
            _transfer(reader, state, target, role, give=give)
            return status(OK)
        reader.accept("RESTRICT")
        reader.accept("CASCADE")
        if reader.peek("WITH", "GRANT", "OPTION"):
            raise failures.not_modelled(what="WITH GRANT OPTION")
        reader.end()
        changes = frozenset(_grants(names, target, role))
        state.grants = state.grants | changes if give else state.grants - changes
    return status(OK)


def named(reader: Reader, context: Context, state: State) -> Target:
    """Consume the object that SHOW GRANTS ON names."""
    return _target(reader, context, state, context.rights(state))


def _privileges(reader: Reader) -> list[str]:
    known = sorted({name for names in PRIVILEGES.values() for name in names}, key=len, reverse=True)
    found: list[str] = []
    while not found or reader.accept(","):
        if reader.accept("ALL"):
            reader.accept("PRIVILEGES")
            found.append("ALL")
            continue
        found.append(reader.choose("OWNERSHIP", *known))
    if len(found) > 1 and "OWNERSHIP" in found:
        msg = "OWNERSHIP is granted on its own."
        raise failures.invalid(msg)
    return found


def _grants(names: list[str], target: Target, role: str) -> list[Grant]:
    known = PRIVILEGES[target.kind]
    wrong = [name for name in names if name != "ALL" and name not in known]
    if wrong:
        text = f"Invalid privilege '{wrong[0]}' for object type '{target.kind}'; valid: {', '.join(known)}."
        raise failures.SqlError(3008, "42601", f"SQL compilation error:\n{text}")
    expanded = [entry for name in names for entry in (known if name == "ALL" else (name,))]
    return [
        Grant(name, target.kind if target.future else kind, thing, role, target.future)
        for name in expanded
        for thing, _, kind in target.things
    ]


def _target(reader: Reader, context: Context, state: State, rights: Rights) -> Target:
    if reader.accept("ACCOUNT"):
        return Target("ACCOUNT", ((ACCOUNT_ID, "ACCOUNTADMIN", "ACCOUNT"),))
    if reader.peek("ALL") or reader.peek("FUTURE"):
        return _many(reader, context, state, rights)
    if not any(reader.peek(*kind.split()) for kind in _KINDS):
        raise failures.not_modelled(what=f"grants on {reader.words(2)}")
    kind = reader.choose(*_KINDS)
    if kind in {"EXTERNAL VOLUME", "INTEGRATION", "ROLE"}:
        return _account_level(kind, reader.identifier(), state)
    return _named(kind, reader.name(), context, state)


def _account_level(kind: str, name: str, state: State) -> Target:
    found: Volume | Integration | Role | None
    if kind == "EXTERNAL VOLUME":
        found = state.volumes.get(name)
    else:
        found = state.integrations.get(name) if kind == "INTEGRATION" else state.roles.get(name)
    if found is None:
        raise failures.missing(kind=kind.capitalize(), name=name)
    return Target(kind, ((found.id, found.owner, kind),))


def _named(kind: str, parts: tuple[str, ...], context: Context, state: State) -> Target:
    rights = context.rights(state)
    if kind in {"DATABASE", "SCHEMA"}:
        inside: Database | Schema
        if kind == "DATABASE":
            inside = find_database(state, rights, parts[-1])
        else:
            _, _, inside = find_schema(state, rights, context.place, parts)
        return Target(kind, ((inside.id, inside.owner, kind),))
    where = find_path(state, rights, context.place, parts)
    if kind == "MASKING POLICY":
        policy = where.schema.policies.get(where.name)
        if policy is None:
            raise failures.missing(kind="Masking policy", name=where.full)
        return Target(kind, ((policy.id, policy.owner, kind),))
    item = where.item(rights, kind.title())
    if item.kind != kind and (kind, item.kind) != ("TABLE", "ICEBERG TABLE"):
        raise failures.missing(kind=kind.title(), name=where.full)
    return Target(kind, ((item.id, item.owner, item.kind),))


def _many(reader: Reader, context: Context, state: State, rights: Rights) -> Target:
    future = reader.choose("ALL", "FUTURE") == "FUTURE"
    if not any(reader.peek(*words.split()) for words in _PLURALS):
        raise failures.not_modelled(what=f"grants on {'FUTURE' if future else 'ALL'} {reader.words(1)}")
    kind = _PLURALS[reader.choose(*_PLURALS)]
    reader.expect("IN")
    container = reader.choose("SCHEMA", "DATABASE")
    parts = reader.name()
    inside: Database | Schema
    if container == "DATABASE":
        inside = find_database(state, rights, parts[-1])
        schemas = list(inside.schemas.values())
    else:
        _, _, inside = find_schema(state, rights, context.place, parts)
        schemas = [inside]
    if future:
        rights.need_on_account("MANAGE GRANTS")
        return Target(kind, ((inside.id, inside.owner, container),), future=True)
    wanted = {"TABLE", "ICEBERG TABLE"} if kind == "TABLE" else {kind}
    items = [item for schema in schemas for item in schema.items.values() if item.kind in wanted]
    return Target(kind, tuple((item.id, item.owner, item.kind) for item in items))


def _authorise(rights: Rights, target: Target) -> None:
    for _, owner, kind in target.things:
        if not rights.owns(owner) and not rights.holds("MANAGE GRANTS", ACCOUNT_ID):
            raise failures.forbidden(kind=kind.lower(), name=kind)


def _transfer(reader: Reader, state: State, target: Target, role: str, *, give: bool) -> None:
    if not give:
        msg = "OWNERSHIP cannot be revoked; grant it to another role."
        raise failures.invalid(msg)
    if target.future or target.kind == "ACCOUNT":
        raise failures.not_modelled(what=f"GRANT OWNERSHIP ON {'FUTURE objects' if target.future else target.kind}")
    keep = reader.accept("COPY", "CURRENT", "GRANTS")
    drop = not keep and reader.accept("REVOKE", "CURRENT", "GRANTS")
    reader.end()
    ids = {thing for thing, _, _ in target.things}
    dependent = [grant for grant in state.grants if grant.target in ids and not grant.future]
    if dependent and not keep and not drop:
        text = (
            f"Dependent grant of privilege '{dependent[0].privilege}' to role '{dependent[0].role}' exists. "
            "It must be revoked first, or use COPY CURRENT GRANTS or REVOKE CURRENT GRANTS."
        )
        raise failures.SqlError(3036, "42501", f"SQL execution error:\n{text}")
    if drop:
        state.forget(*ids)
    _set_owner(state, ids, role)


def _set_owner(state: State, ids: set[int], role: str) -> None:
    for database in state.databases.values():
        database.owner = role if database.id in ids else database.owner
        for schema in database.schemas.values():
            schema.owner = role if schema.id in ids else schema.owner
            for name, item in schema.items.items():
                if item.id in ids:
                    schema.items[name] = changed(item, owner=role)
            for name, policy in schema.policies.items():
                if policy.id in ids:
                    schema.policies[name] = changed(policy, owner=role)
    for name, volume in state.volumes.items():
        if volume.id in ids:
            state.volumes[name] = changed(volume, owner=role)
    for name, integration in state.integrations.items():
        if integration.id in ids:
            state.integrations[name] = changed(integration, owner=role)
    roles: dict[str, Role] = state.roles
    for name, entry in roles.items():
        if entry.id in ids:
            roles[name] = changed(entry, owner=role)
