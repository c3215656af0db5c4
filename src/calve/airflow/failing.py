"""Turn calve's errors into Airflow's.

Promises that they are tried again only where that can help, and that they carry what is to be told of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from airflow.sdk.exceptions import AirflowException, AirflowFailException

from calve.errors import CalveError


@dataclass(frozen=True)
class Finding:
    """Why something that ran in the cluster did not come to its end.

    Attributes:
        run_key: What it worked for; None for a command that works for no run.
        cause: A few lines without commands.
        commands: What to type, in order.
    """

    run_key: str | None
    cause: str
    commands: tuple[str, ...]


class TaskFailedError(AirflowException):
    """A task did not come to what it is for; a retry may help."""

    def __init__(self, text: str, finding: Finding | None = None) -> None:
        super().__init__(text)
        self.finding = finding


class TaskFailedForGoodError(TaskFailedError, AirflowFailException):
    """A task did not come to what it is for; a retry can't help, and Airflow makes none."""


def failure(text: str, finding: Finding | None = None, *, is_retryable: bool) -> TaskFailedError:
    """Return the error that Airflow tries again, or doesn't."""
    return (TaskFailedError if is_retryable else TaskFailedForGoodError)(text, finding)


@contextmanager
def refusals() -> Iterator[None]:
    """Turn calve's errors into Airflow's."""
    try:
        yield
    except CalveError as error:
        raise failure(str(error), is_retryable=error.retryable) from error
