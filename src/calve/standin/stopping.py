"""End a server of this machine when it is told to, in order and once. Ends nothing else."""

from __future__ import annotations

import signal
import sys

_SIGNALS = (signal.SIGTERM, signal.SIGINT)


def stop_on_signal() -> None:
    """Let SIGTERM and Ctrl-C raise `SystemExit` in the main thread, so that what was started is ended."""
    for each in _SIGNALS:
        signal.signal(each, _stop)


def _stop(*_: object) -> None:
    # Once: the second one would disturb the end that the first began.
    for each in _SIGNALS:
        signal.signal(each, signal.SIG_IGN)
    sys.exit(0)
