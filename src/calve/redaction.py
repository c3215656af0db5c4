"""Take out of a text what looks like a secret, or like a row that a database quotes, before it is stored or sent.

A cause is often the last line of somebody else's log. What is taken out shows as `***`; better a word too many than
a password in a channel.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

GONE = "***"
_SHORTEST_SECRET = 6
# No message shows more; what is longer is cut first, at a space, since somebody else's log may be of any length.
LONGEST = 8000
_NAME = r"(?:password|passwd|passphrase|pwd|secret|token|api[_-]?key|access[_-]?key(?:[_-]?id)?|hash[_-]?key"
_NAME += r"|account[_-]?key|routing[_-]?key|private[_-]?key|credential|signature|webhook(?:[_-]?url)?)[\w.-]{0,60}"

_RULES: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.DOTALL), GONE),
    # A password may hold an @ or a / itself: the last @ before a blank ends it.
    (re.compile(r"\b([a-z][a-z0-9+.:-]*://)\S*@", re.IGNORECASE), rf"\1{GONE}@"),
    (re.compile(r"(hooks\.slack(?:-gov)?\.com/\w+/)[^\s\"'<>|]+", re.IGNORECASE), rf"\1{GONE}"),
    (re.compile(r"\b(authorization[\"']?\s*[:=]\s*[\"']?(?:basic|bearer|token)?)\s*[^\s\"',]+", re.I), rf"\1 {GONE}"),
    (re.compile(r"\b(bearer|basic)\s+[\w.~+/=-]{8,}", re.IGNORECASE), rf"\1 {GONE}"),
    (re.compile(r"\b(X-Amz-[\w-]*(?:Signature|Credential|Token)=)[^&\s'\"]+", re.IGNORECASE), rf"\1{GONE}"),
    (
        re.compile(rf"({_NAME})([\"']?\s*(?:=>|[=:])\s*)(\"[^\"]*\"|'[^']*'|[^\s,;&\"')}}\]]+)", re.IGNORECASE),
        rf"\1\2{GONE}",
    ),
    (re.compile(r"(--?[\w-]*(?:password|secret|token|key))\s+(?!-)\S+", re.IGNORECASE), rf"\1 {GONE}"),
    (re.compile(r"(Key \([^)]*\)=)\(.*?\)(?=\s|$)"), rf"\1({GONE})"),
    (re.compile(r"(Failing row contains )\(.*\)"), rf"\1({GONE})"),
    (re.compile(r"(invalid input (?:syntax|value) for [\w ]+: )\"[^\"]*\""), rf'\1"{GONE}"'),
    # Spark: `The value 'x' of the type "STRING" cannot be cast`.
    (re.compile(r"([Tt]he value )('[^']*'|\"[^\"]*\"|\S+)(?= of )"), rf"\1{GONE}"),
    (re.compile(r"(?<!\*)\b[\w.+-]+@[\w-]+(?:\.[\w-]+)+\b"), GONE),
    (re.compile(r"(?<![A-Z0-9])(?:AKIA|ASIA|AROA|AIDA|AGPA)[A-Z0-9]{16}(?![A-Z0-9])"), GONE),
    (re.compile(r"\beyJ[\w-]{8,}\.[\w-]{8,}(?:\.[\w-]+)?"), GONE),
    (re.compile(r"\b(?:xox[a-z]|xapp|gh[a-z]|github_pat|glpat)[-_][\w-]{8,}"), GONE),
)
# The form of an AWS secret key: 40 signs of both cases and digits; a commit's hash has one case only.
_FORTY = re.compile(r"(?<![\w/+=.-])(?=\S{0,39}[a-z])(?=\S{0,39}[A-Z])(?=\S{0,39}\d)[A-Za-z0-9/+]{40}(?![\w/+=.-])")


def redacted(text: str, secrets: Iterable[str] = ()) -> str:
    """Return the text without passwords, keys and tokens.

    Args:
        secrets: Values that are known to be secret, taken out wherever they stand.
    """
    if len(text) > LONGEST:
        text = (text[:LONGEST].rsplit(None, 1) or [""])[0]
    for secret in sorted(set(secrets), key=len, reverse=True):
        if len(secret) >= _SHORTEST_SECRET:
            text = text.replace(secret, GONE)
    for pattern, instead in _RULES:
        text = pattern.sub(instead, text)
    return _FORTY.sub(GONE, text)
