"""One client's login: who it is, which role it plays, where unqualified names point."""

import threading
from dataclasses import dataclass, field

from calve.standin.snowflake.engine import Worker

PARAMETERS = {"TIMEZONE": "UTC", "QUERY_TAG": "", "AUTOCOMMIT": "true"}


@dataclass
class Session:
    """What a statement of this client starts from.

    Attributes:
        lock: Held while a statement runs, since clients may share a connection among threads.
        answers: Replies by request id; the connector repeats a request whose reply was lost.
    """

    token: str
    user: str
    role: str
    worker: Worker
    database: str | None = None
    schema: str | None = None
    warehouse: str | None = None
    parameters: dict[str, str] = field(default_factory=lambda: dict(PARAMETERS))
    last_query_id: str | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)
    answers: dict[str, dict[str, object]] = field(default_factory=dict)
