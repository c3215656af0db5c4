"""Who may do what: roles, the roles that they inherit, and the privileges on one object.

ACCOUNTADMIN may do everything. An object on which a role holds nothing does not exist for it.
"""

from calve.standin.snowflake import failures
from calve.standin.snowflake.catalog import ACCOUNT_ID, ADMIN, Database, Item, Schema, State


def played(state: State, role: str) -> frozenset[str]:
    """Return the role and every role that it inherits, PUBLIC included."""
    found, queue = {role, "PUBLIC"}, [role]
    names = {entry.id: name for name, entry in state.roles.items()}
    while queue:
        current = queue.pop()
        for grant in state.grants:
            inherited = names.get(grant.target) if grant.kind == "ROLE" and grant.role == current else None
            if inherited is not None and inherited not in found and grant.privilege == "USAGE":
                found.add(inherited)
                queue.append(inherited)
    return frozenset(found)


class Rights:
    """The privileges of one role in one state."""

    def __init__(self, state: State, role: str) -> None:
        self._state = state
        self.role = role
        self._roles = played(state, role)
        self._all = ADMIN in self._roles

    def owns(self, owner: str) -> bool:
        """Tell whether the role plays an owner."""
        return self._all or owner in self._roles

    def holds(self, privilege: str, target: int) -> bool:
        """Tell whether a privilege was granted on the object itself."""
        if self._all:
            return True
        return any(
            grant.target == target and grant.privilege == privilege and grant.role in self._roles
            for grant in self._state.grants
            if not grant.future
        )

    def sees(self, target: int, owner: str) -> bool:
        """Tell whether the role holds anything on the object."""
        if self.owns(owner):
            return True
        grants = (grant for grant in self._state.grants if not grant.future)
        return any(grant.target == target and grant.role in self._roles for grant in grants)

    def may_use_schema(self, database: Database, schema: Schema) -> bool:
        """Tell whether names inside the schema can be resolved."""
        inside = self.owns(database.owner) or self.holds("USAGE", database.id)
        return inside and (self.owns(schema.owner) or self.holds("USAGE", schema.id))

    def need(self, privilege: str, thing: Item | Schema | Database, kind: str, name: str) -> None:
        """Make sure that the role owns the thing or holds a privilege on it.

        Raises:
            SqlError: Not authorized when it holds nothing, insufficient privileges when something else.
        """
        if self.owns(thing.owner) or (privilege != "OWNERSHIP" and self.holds(privilege, thing.id)):
            return
        if not self.sees(thing.id, thing.owner):
            raise failures.missing(kind=kind.title(), name=name)
        raise failures.forbidden(kind=kind.lower(), name=name)

    def need_on_account(self, privilege: str) -> None:
        """Make sure that the role holds a global privilege."""
        if not self.holds(privilege, ACCOUNT_ID):
            raise failures.forbidden(kind="account", name="CALVE")

    def need_on_shared(self, privilege: str, target: int, owner: str, named: str) -> None:
        """Make sure of a privilege on an account-level object, given as `Kind 'NAME'`."""
        if self.owns(owner) or (privilege != "OWNERSHIP" and self.holds(privilege, target)):
            return
        kind, _, name = named.partition(" '")
        if not self.sees(target, owner):
            raise failures.missing(kind=kind, name=name.rstrip("'"))
        raise failures.forbidden(kind=kind.lower(), name=name.rstrip("'"))
