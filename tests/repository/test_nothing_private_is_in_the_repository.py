import re

import pytest
from tree import text, tracked

FILES = [file for file in tracked() if not file.endswith((".png", ".ico", ".woff2"))]
# Each written in two parts, so that this file does not hold what it looks for.
NEVER = {
    "host of a package registry": r"py" + r"pi\.org|python" + r"hosted\.org|maven" + r"\.org|npm" + r"js\.",
    "address of an index or mirror": r"(?<!no-emit)-(extra-)?index" + r"-url[ =]|arti" + r"factory|://nex" + r"us",
    "container registry": r"registry-1\.dock" + r"er|ghcr" + r"\.io|quay" + r"\.io",
    "absolute path of a machine": r"(?<![\w.{])/(root|home|Us" + r"ers)/\w|(?<![\w.])/wo" + r"rk/(main|shared|brief)",
    "tool of the workplace": r"(?i)\b(clau" + r"de|anthro" + r"pic|chat" + r"gpt|copi" + r"lot|open" + r"ai)\b",
    "private key": r"BEGIN [A-Z ]*PRIVATE " + r"KEY",
    "access key": r"\bAK" + r"IA[0-9A-Z]{16}\b",
    "address with a password": r"postgres(ql)?://\w+:(?!password)[^@\s{'\"]{6,}@(?!localhost|127)[\w.]+\.\w+",
}


@pytest.mark.parametrize(("what", "pattern"), NEVER.items(), ids=NEVER)
def test_no_file_holds(what, pattern):
    found = [
        f"{file}:{number}"
        for file in FILES
        for number, line in enumerate(text(file).splitlines(), start=1)
        if re.search(pattern, line)
    ]
    assert found == [], what


@pytest.mark.parametrize(
    ("what", "line"),
    [
        ("host of a package registry", "see https://py" + "pi.org/simple"),
        ("address of an index or mirror", "pip install --index" + "-url https://x"),
        ("container registry", "FROM ghcr" + ".io/x/y"),
        ("absolute path of a machine", "open('/ho" + "me/x')"),
        ("tool of the workplace", "written with Clau" + "de"),
        ("private key", "-----BEGIN RSA PRIVATE " + "KEY-----"),
        ("access key", "AK" + "IAABCDEFGHIJKLMNOP"),
        ("address with a password", "postgresql://me:sec" + "ret12@db.example.com/x"),
    ],
    ids=NEVER,
)
def test_what_must_not_be_there_would_be_found(what, line):
    assert re.search(NEVER[what], line)
