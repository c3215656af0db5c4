"""The restricted values that a scanner must find in the source and nowhere else.

Reads them from the database, erased and edited ones as they are now; never writes or logs one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

from psycopg import Connection
from psycopg.rows import TupleRow

TOKEN = b"CANARY"
"""Part of every name, mail address, phone number and processor reference, and of nothing else."""
_VALUES = (
    "select account_id::text, full_name, birth_date::text, email, phone from public.account"
    " order by full_name is null, md5(account_id::text) limit %s",
    "select processor_ref from public.payment order by md5(payment_id::text) limit %s",
)


def canaries(conn: Connection[TupleRow], *, limit: int = 200) -> Iterator[bytes]:
    """Yield restricted values of up to `limit` accounts and payments, and their unkeyed md5, sha1 and sha256 in hex.

    The same database gives the same sample.
    """
    for statement in _VALUES:
        for row in conn.execute(statement.encode(), [limit]):
            for value in row:
                if value is not None:
                    yield from _spellings(value.encode())


def _spellings(value: bytes) -> Iterator[bytes]:
    yield value
    for digest in (hashlib.md5, hashlib.sha1, hashlib.sha256):
        yield digest(value, usedforsecurity=False).hexdigest().encode()
