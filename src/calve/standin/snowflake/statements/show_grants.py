"""SHOW GRANTS: on an object, to a role or user, of a role, and future ones."""

from calve.standin.snowflake import failures
from calve.standin.snowflake.catalog import ACCOUNT_ID, Grant, State
from calve.standin.snowflake.statements import grants
from calve.standin.snowflake.statements.context import Context
from calve.standin.snowflake.tokens import Reader
from calve.standin.snowflake.wire import SHOW, Rows

_TITLES = ("created_on", "privilege", "granted_on", "name", "granted_to", "grantee_name", "grant_option", "granted_by")

Line = tuple[object, ...]


def show_grants(reader: Reader, context: Context) -> Rows:
    """SHOW GRANTS [ON <object> | TO {ROLE r | USER u} | OF ROLE r]."""
    state = context.store.current
    if reader.done:
        return _rows(_to_role(state, context.session.role))
    word = reader.choose("ON", "TO", "OF")
    if word == "ON":
        target = grants.named(reader, context, state)
        reader.end()
        lines: list[Line] = []
        for thing, owner, kind in target.things:
            name = _names(state).get(thing, "")
            lines.append(_line("OWNERSHIP", kind, name, owner, "true"))
            found = [grant for grant in state.grants if grant.target == thing and not grant.future]
            lines += [_line(grant.privilege, kind, name, grant.role) for grant in _sorted(found)]
        return _rows(lines)
    if reader.accept("ROLE"):
        role = reader.identifier()
        reader.end()
        if role not in state.roles:
            raise failures.missing(kind="Role", name=role)
        return _rows(_to_role(state, role)) if word == "TO" else _of_role(state, role)
    if word == "TO" and reader.accept("USER"):
        user = reader.identifier()
        reader.end()
        held = sorted(state.users.get(user, frozenset()))
        return Rows(_texts(("role", "granted_to", "grantee_name")), [(role, "USER", user) for role in held], SHOW)
    raise failures.not_modelled(what=f"SHOW GRANTS {word} {reader.words(1)}")


def _to_role(state: State, role: str) -> list[Line]:
    names = _names(state)
    found = [grant for grant in state.grants if grant.role == role and not grant.future]
    lines = [_line(grant.privilege, grant.kind, names.get(grant.target, ""), role) for grant in _sorted(found)]
    return lines + [_line("OWNERSHIP", kind, name, role, "true") for kind, name in _owned(state, role)]


def _of_role(state: State, role: str) -> Rows:
    number = state.roles[role].id
    roles = sorted(grant.role for grant in state.grants if grant.target == number and grant.kind == "ROLE")
    users = sorted(user for user, held in state.users.items() if role in held)
    rows = [(role, "ROLE", name) for name in roles] + [(role, "USER", name) for name in users]
    return Rows(_texts(("role", "granted_to", "grantee_name")), rows, SHOW)


def _names(state: State) -> dict[int, str]:
    names = {ACCOUNT_ID: "CALVE"}
    for shared in (state.volumes, state.integrations, state.roles):
        names.update({entry.id: name for name, entry in shared.items()})
    for database_name, database in state.databases.items():
        names[database.id] = database_name
        for schema_name, schema in database.schemas.items():
            prefix = f"{database_name}.{schema_name}"
            names[schema.id] = prefix
            names.update({item.id: f"{prefix}.{name}" for name, item in schema.items.items()})
            names.update({policy.id: f"{prefix}.{name}" for name, policy in schema.policies.items()})
    return names


def _owned(state: State, role: str) -> list[tuple[str, str]]:
    found = [("EXTERNAL VOLUME", name) for name, entry in state.volumes.items() if entry.owner == role]
    found += [("INTEGRATION", name) for name, entry in state.integrations.items() if entry.owner == role]
    found += [("ROLE", name) for name, entry in state.roles.items() if entry.owner == role]
    for database_name, database in state.databases.items():
        found += [("DATABASE", database_name)] if database.owner == role else []
        for schema_name, schema in database.schemas.items():
            prefix = f"{database_name}.{schema_name}"
            found += [("SCHEMA", prefix)] if schema.owner == role else []
            found += [(item.kind, f"{prefix}.{name}") for name, item in schema.items.items() if item.owner == role]
    return sorted(found)


def _line(privilege: str, kind: str, name: str, role: str, option: str = "false") -> Line:
    return ("0", privilege, kind.replace(" ", "_"), name, "ROLE", role, option, "")


def _sorted(found: list[Grant]) -> list[Grant]:
    return sorted(found, key=lambda grant: (grant.role, grant.privilege, grant.target))


def _rows(lines: list[Line]) -> Rows:
    columns = tuple((title, "timestamp_ltz" if title == "created_on" else "text") for title in _TITLES)
    return Rows(columns, lines, SHOW)


def _texts(titles: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    return tuple((title, "text") for title in titles)
