"""Causes that the records tell, or the driver by its exit code and its last words.

Each rule is a pure function that answers with what it found or with None. 65 means that repeating can't help, 75 that
it may; what calve says is matched by the words of its own messages (docs/operations.md lists them).
"""

from __future__ import annotations

import re

from calve.errors import EX_DATAERR, EX_TEMPFAIL
from calve.kubernetes.evidence import Found, Seen

_BLOCKED = re.compile(r"^audit +(\S+) +blocked ")
_STORE = re.compile(r"(?i)s3|object store")
_REFUSED = re.compile(r"Status Code: 403|AccessDenied|Access ?Denied|InvalidAccessKeyId|SignatureDoesNotMatch|\b403\b")
_NO_ANSWER = re.compile(r"PSQLException: (?:The connection attempt failed|Connection to \S+ refused|FATAL)")


def published(seen: Seen) -> Found | None:
    """Whatever the cluster says: the records hold the publication."""
    proof = seen.facts.proof
    if proof is None or proof.publication is None:
        return None
    said = f"; its application says {seen.state}" if seen.state not in ("", "COMPLETED", "Succeeded") else ""
    sentence = f"{proof.run_key} is published as {proof.publication}, nothing is left to do{said}"
    return Found("published", sentence, False)


def blocked(seen: Seen) -> Found | None:
    """The audit's verdict."""
    proof = seen.facts.proof
    lines = proof.blocked if proof else ()
    if not lines and seen.exit_code == EX_DATAERR and not seen.said:
        names = [match[1] for line in seen.facts.log if (match := _BLOCKED.match(line))]
        lines = tuple(f"{name}: blocked" for name in names)
    if not lines:
        return None
    key = seen.run.key if seen.run else "the run"
    sentence = f"the audit blocked {key}; readers still see the previous publication"
    return Found("audit-blocked", sentence, False, lines, _audit(seen))


def mismatch(seen: Seen) -> Found | None:
    """Submitter and image hold different contracts."""
    if "submitted with digest" not in seen.saying:
        return None
    return Found("contract-mismatch", seen.saying, False)


def lease(seen: Seen) -> Found | None:
    """Somebody else is at work on the pipeline."""
    if seen.exit_code != EX_TEMPFAIL:
        return None
    if ": held by run " in seen.saying:
        return Found("lease-held", seen.saying, True, look=("calve status",))
    if "lease epoch" in seen.saying or seen.saying.startswith("lease of "):
        return Found("lease-lost", seen.saying, True, look=("calve status",))
    return None


def store(seen: Seen) -> Found | None:
    """The object store lets us not."""
    for line in (*seen.said, *seen.exceptions):
        if _STORE.search(line) and _REFUSED.search(line):
            sentence = f"the object store refuses: {line}"
            return Found("store-refused", sentence, False, look=("calve doctor",))
    return None


def database(seen: Seen) -> Found | None:
    """The source's or the catalog's database does not answer."""
    if seen.exit_code in (None, 0, EX_DATAERR):
        return None
    if seen.saying.startswith("source"):
        return Found("source-unreachable", seen.saying, True, look=("calve doctor",))
    if seen.saying.startswith("catalog"):
        return Found("catalog-unreachable", seen.saying, True, look=("calve doctor",))
    for line in seen.exceptions:
        if _NO_ANSWER.search(line):
            is_catalog = any("org.apache.iceberg.jdbc" in each for each in seen.facts.log)
            which = "catalog" if is_catalog else "source"
            sentence = f"the {which} database does not answer: {line}"
            return Found(
                "catalog-unreachable" if is_catalog else "source-unreachable", sentence, True, ("calve doctor",)
            )
    return None


def wrong_input(seen: Seen) -> Found | None:
    """What was given can't be worked with."""
    if seen.exit_code != EX_DATAERR:
        return None
    said = seen.saying or "its last message is not in the log"
    return Found("wrong-input", f"the {seen.process} refused what it was given (exit 65): {said}", False)


def temporary(seen: Seen) -> Found | None:
    """Calve itself says that a retry may help."""
    if seen.exit_code != EX_TEMPFAIL:
        return None
    said = seen.saying or "its last message is not in the log"
    return Found("temporary", f"the {seen.process} gave up, and a retry may help (exit 75): {said}", True)


def running(seen: Seen) -> Found | None:
    """Nothing is wrong so far."""
    if not seen.is_live:
        return None
    return Found("running", f"it is {seen.state or 'new'}, and nothing is wrong so far", False)


def unproven(seen: Seen) -> Found | None:
    """The process ended well, and the records know nothing of it."""
    proof = seen.facts.proof
    if seen.exit_code != 0 or seen.is_pod:
        return None
    if proof is None:
        return Found("unproven", "the driver ended with 0; whether it published could not be read", True)
    return Found("unproven", f"the driver ended with 0, but the records hold no publication of {proof.run_key}", True)


def unknown(seen: Seen) -> Found:
    """Nothing fits."""
    code = seen.exit_code
    said = f": {seen.exceptions[0]}" if seen.exceptions else ""
    if code is None:
        return Found("unknown", f"it is {seen.state or 'not to be seen'}, and nobody says why{said}", True)
    return Found("unknown", f"the {seen.process} ended with exit code {code}, which calve does not know{said}", True)


def _audit(seen: Seen) -> tuple[str, ...]:
    return (f"calve audit show '{seen.run.key}'",) if seen.run else ()
