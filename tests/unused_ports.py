"""Ports for the servers that tests start. Never one that the kernel gives to connections, nor one of another worker."""

from __future__ import annotations

import itertools
import os
import random
import socket

# Below the range that Linux takes outgoing connections' ports from.
_FIRST, _EACH = 12_000, 10_000
_worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
_begin = random.SystemRandom().randrange(_EACH)
_next = itertools.count()


def free_ports(count: int) -> list[int]:
    """Return ports that nobody listens on right now; none of them is returned again by this process."""
    found: list[int] = []
    while len(found) < count:
        port = _FIRST + _worker % 2 * _EACH + (_begin + next(_next)) % _EACH
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) != 0:
                found.append(port)
    return found
