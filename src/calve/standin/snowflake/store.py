"""Keeps the state: one change at a time, on disk before anyone sees it.

A reader takes `current` and holds one state; a change works on a copy, is written to the state folder, and then
replaces `current` as a whole. A change that raises leaves no trace. What the stand-in writes is the outside
world to calve, so its files are no effects of calve's and declare no failpoints.
"""

import os
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pydantic import TypeAdapter

from calve.standin.snowflake.catalog import ACCOUNT_ID, ADMIN, SYSTEM_ROLES, Grant, Role, State

_STATE = TypeAdapter(State)
_FIRST_GRANTS = (
    ("SECURITYADMIN", "MANAGE GRANTS"),
    ("SECURITYADMIN", "CREATE ROLE"),
    ("SECURITYADMIN", "CREATE USER"),
    ("USERADMIN", "CREATE ROLE"),
    ("USERADMIN", "CREATE USER"),
    ("SYSADMIN", "CREATE DATABASE"),
)


class Store:
    """The current state and the only way to change it.

    Args:
        folder: Where the state is kept; None keeps it in memory only.
        state: What to start from where nothing is kept yet.
    """

    def __init__(self, folder: Path | None, state: State | None = None) -> None:
        self._file = None if folder is None else folder / "catalog.json"
        self._lock = threading.Lock()
        if self._file is not None and self._file.exists():
            self._state = _STATE.validate_json(self._file.read_bytes())
        else:
            self._state = state or _first_state()

    @property
    def current(self) -> State:
        """The newest whole state; it never changes."""
        return self._state

    @property
    def id(self) -> str:
        """What tells this state from one that began anew."""
        return self._state.id

    @contextmanager
    def change(self) -> Iterator[State]:
        """Give a copy to work on and publish it when the block ends without an error."""
        with self._lock:
            draft = self._state.copy()
            yield draft
            self._save(draft)
            self._state = draft

    def _save(self, state: State) -> None:
        if self._file is None:
            return
        part = self._file.with_suffix(".part")
        with part.open("wb") as file:
            file.write(_STATE.dump_json(state))
            file.flush()
            os.fsync(file.fileno())
        part.replace(self._file)


def _first_state() -> State:
    state = State(id=str(uuid.uuid4()))
    for name in SYSTEM_ROLES:
        state.roles[name] = Role(state.take_id(), ADMIN, time.time())
    state.grants = frozenset(Grant(privilege, "ACCOUNT", ACCOUNT_ID, role) for role, privilege in _FIRST_GRANTS)
    return state
