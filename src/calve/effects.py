"""Names every external effect, so that a test can kill the process before and after each of them.

`with effect("publish.commit"):` around one effect declares two failpoints, `publish.commit:before` and
`publish.commit:after`. When the environment variable CALVE_FAILPOINT names one of them (optionally with
`@N` for the N-th time it is passed), the process kills itself with SIGKILL there, as a node that vanishes
would. tests/ read the names from the source, so an effect can't be added without being killed at.
"""

import os
import signal
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

_passed: Counter[str] = Counter()
_counting = threading.Lock()


@contextmanager
def effect(name: str) -> Iterator[None]:
    """Surround one external effect with a failpoint before and a failpoint after it."""
    _die_if_asked(f"{name}:before")
    yield
    _die_if_asked(f"{name}:after")


def _die_if_asked(point: str) -> None:
    asked, _, nth = os.environ.get("CALVE_FAILPOINT", "").partition("@")
    if asked != point:
        return
    with _counting:
        _passed[point] += 1
        if _passed[point] == int(nth or 1):
            os.kill(os.getpid(), signal.SIGKILL)
