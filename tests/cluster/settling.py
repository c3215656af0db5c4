"""Waiting for processes that tell nobody when they are done: looked at again and again, with an end."""

import threading
import time
from collections.abc import Callable

LOOK_SECONDS = 0.02


def until(is_so: Callable[[], object], what: str, seconds: float = 30.0) -> None:
    """Wait until something is so.

    Raises:
        TimeoutError: It is not after so many seconds; says what was waited for.
    """
    ends, pause = time.monotonic() + seconds, threading.Event()
    while not is_so():
        if time.monotonic() > ends:
            msg = f"{what}: not so after {seconds:.0f} s, expected it to be"
            raise TimeoutError(msg)
        pause.wait(LOOK_SECONDS)
