"""Roles: made, dropped, granted to roles and users, and played by sessions."""

import time

from calve.standin.snowflake import failures
from calve.standin.snowflake.access import Rights, played
from calve.standin.snowflake.catalog import SYSTEM_ROLES, Grant, Role, State
from calve.standin.snowflake.statements.context import OK, Context, making
from calve.standin.snowflake.tokens import Reader
from calve.standin.snowflake.wire import Rows, status


def create_role(reader: Reader, context: Context, *, replace: bool) -> Rows:
    """CREATE ROLE [IF NOT EXISTS] x [COMMENT = '']."""
    if replace:
        raise failures.not_modelled(what="CREATE OR REPLACE ROLE")
    wanted = making(reader, replace=False)
    name = reader.identifier()
    found = reader.properties("ROLE", modelled={"COMMENT"}, known={"TAG"})
    with context.store.change() as state:
        rights = context.rights(state)
        before = state.roles.get(name)
        if answer := wanted.stop(name, before.owner if before else None, rights, "role"):
            return answer
        rights.need_on_account("CREATE ROLE")
        state.roles[name] = Role(state.take_id(), context.session.role, time.time(), str(found.get("COMMENT", "")))
    return status(f"Role {name} successfully created.")


def drop_role(state: State, rights: Rights, name: str) -> None:
    """Remove a role; the dropping role takes over what it owned."""
    found = state.roles.get(name)
    if found is None:
        raise failures.missing(kind="Role", name=name)
    if name in SYSTEM_ROLES or not rights.owns(found.owner):
        raise failures.forbidden(kind="role", name=name)
    owned = [
        entry for database in state.databases.values() for entry in database.schemas.values() if entry.owner == name
    ]
    if owned or any(item.owner == name for item in _items(state)):
        raise failures.not_modelled(what="DROP ROLE of a role that owns objects; transfer OWNERSHIP first")
    del state.roles[name]
    state.grants = frozenset(grant for grant in state.grants if grant.role != name and grant.target != found.id)
    state.users = {user: roles - {name} for user, roles in state.users.items()}


def grant_role(reader: Reader, context: Context, *, give: bool) -> Rows:
    """GRANT ROLE x TO {ROLE | USER} y, REVOKE ROLE x FROM {ROLE | USER} y."""
    name = reader.identifier()
    reader.expect("TO" if give else "FROM")
    kind = reader.choose("ROLE", "USER")
    grantee = reader.identifier()
    reader.end()
    with context.store.change() as state:
        rights = context.rights(state)
        role = state.roles.get(name)
        if role is None:
            raise failures.missing(kind="Role", name=name)
        if not rights.owns(role.owner):
            rights.need_on_account("MANAGE GRANTS")
        if kind == "USER":
            before = state.users.get(grantee)
            if before is None:
                raise failures.missing(kind="User", name=grantee)
            state.users[grantee] = before | {name} if give else before - {name}
        else:
            if grantee not in state.roles:
                raise failures.missing(kind="Role", name=grantee)
            if give and grantee in played(state, name):
                msg = f"Granting role '{name}' to role '{grantee}' would make a cycle."
                raise failures.invalid(msg)
            edge = frozenset({Grant("USAGE", "ROLE", role.id, grantee)})
            state.grants = state.grants | edge if give else state.grants - edge
    return status(OK)


def may_play(state: State, user: str, role: str) -> bool:
    """Tell whether a user was granted a role, or a role that inherits it."""
    granted = state.users.get(user, frozenset())
    return role == "PUBLIC" or any(role in played(state, own) for own in granted)


def _items(state: State) -> list[Role]:
    return [
        item  # type: ignore[misc]  # only `owner` is read, which all have
        for database in state.databases.values()
        for schema in database.schemas.values()
        for item in schema.items.values()
    ]
