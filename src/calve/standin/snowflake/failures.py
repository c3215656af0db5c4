"""The errors that a statement or a login can end in, with Snowflake's numbers, SQL states and wording.

They are answers of the protocol, sent to the client as they are, and no failures of calve: hence no
`CalveError`. What raises one has changed nothing.
"""

from dataclasses import dataclass

DOES_NOT_EXIST = 2003


class SqlError(Exception):
    """A statement failed; the client receives number, SQL state and message."""

    def __init__(self, errno: int, sqlstate: str, message: str) -> None:
        super().__init__(message)
        self.errno = errno
        self.sqlstate = sqlstate
        self.message = message


@dataclass
class LoginError(Exception):
    """A login that failed, with Snowflake's code and message; no session exists."""

    code: str
    message: str


def syntax(position: int, found: str) -> SqlError:
    """Say that a word cannot stand where it stands."""
    text = f"SQL compilation error:\nsyntax error line 1 at position {position} unexpected '{found}'."
    return SqlError(1003, "42000", text)


def missing(*, kind: str, name: str) -> SqlError:
    """Say that an object does not exist, or that the role may not know that it does."""
    sqlstate = "42S02" if kind in {"Table", "View", "Object"} else "02000"
    what = f"{kind} '{name}' does not exist or not authorized."
    return SqlError(DOES_NOT_EXIST, sqlstate, f"SQL compilation error:\n{what}")


def exists(name: str) -> SqlError:
    """Say that the name is taken."""
    return SqlError(2002, "42710", f"SQL compilation error:\nObject '{name}' already exists.")


def forbidden(*, kind: str, name: str) -> SqlError:
    """Say that the role sees the object and may not do this to it."""
    text = f"SQL access control error:\nInsufficient privileges to operate on {kind} '{name}'"
    return SqlError(3001, "42501", text)


def invalid_property(name: str, kind: str) -> SqlError:
    """Say that the statement knows no such property."""
    return SqlError(1420, "22023", f"SQL compilation error:\ninvalid property '{name}' for '{kind}'")


def missing_property(name: str) -> SqlError:
    """Say that a property which the statement cannot do without is absent."""
    return SqlError(2029, "0A000", f"SQL compilation error:\nMissing option(s): [{name}]")


def invalid(message: str) -> SqlError:
    """Say that a statement of the right form asks for something impossible."""
    return SqlError(1008, "22023", f"SQL compilation error:\n{message}")


def not_modelled(what: str) -> SqlError:
    """Refuse by name something that Snowflake may well do."""
    return SqlError(2, "0A000", f"calve stand-in does not model {what}")
