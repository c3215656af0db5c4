"""Find in the last lines of a driver's log what calve said last, and why Spark or Python gave up.

Reads text only. No line of Spark 3.5's own names a skewed stage; calve writes one (`calve.spark.skew`).
"""

from __future__ import annotations

import re
from collections.abc import Sequence

MOST_LINES, MOST_SIGNS = 10, 300
_STAMPED = re.compile(
    r"^(\d\d/\d\d/\d\d \d\d:\d\d:\d\d |\d{4}-\d\d-\d\d[T ]\d\d:\d\d|(ERROR|WARN|WARNING|INFO|CRITICAL) )"
)
_SKEW = re.compile(r"^skew +(\S+) +(.+)$")
_TRACEBACK = "Traceback (most recent call last):"
_FRAME = re.compile(r'^ +(File "[^"]+", line \d+, in .+)$')
_HEAD = re.compile(
    r'^(?:: |Exception in thread "[^"]*" |.*? ERROR [\w.$]+: .*?)?'
    r"((?:[a-z_]\w*\.)+[A-Z][\w$]*(?:Exception|Error|Failure|Throwable)(?:: .*)?)$"
)
_CAUSE = re.compile(r"^\s*Caused by: (.+)$")


def said_by_calve(lines: Sequence[str]) -> tuple[str, ...]:
    """Return calve's own last message, without its `calve: `; empty when there is none."""
    starts = [i for i, line in enumerate(lines) if line.startswith("calve: ")]
    if not starts:
        return ()
    found = [lines[starts[-1]].removeprefix("calve: ").rstrip()]
    for line in lines[starts[-1] + 1 :]:
        if _STAMPED.match(line) or not line.strip() or len(found) == MOST_LINES:
            break
        found.append(line.rstrip())
    return tuple(found)


def skewed(lines: Sequence[str]) -> tuple[str, ...]:
    """Return whose work waited for one slow task, and in which stage of Spark; the last ones, at most ten."""
    found = [f"{match[1]} {match[2]}" for line in lines if (match := _SKEW.match(line))]
    return tuple(found[-MOST_LINES:])


def exceptions(lines: Sequence[str]) -> tuple[str, ...]:
    """Return the last chain of exceptions, deepest first, and where Python was; at most ten lines."""
    java, python = _java(lines), _python(lines)
    if java and python and not java[0][1].startswith(python[0].split(":")[0]):
        python = python[1:] if "Py4JJavaError" in python[0] else python
    found = [text for _, text in java] + [line for line in python if line not in {text for _, text in java}]
    return tuple(line[:MOST_SIGNS] for line in found[:MOST_LINES])


def _java(lines: Sequence[str]) -> list[tuple[int, str]]:
    chain: list[tuple[int, str]] = []
    for i, line in enumerate(lines):
        if cause := _CAUSE.match(line):
            chain.append((i, cause[1].strip()))
        elif (head := _HEAD.match(line)) and not head[1].startswith("py4j."):
            chain = [(i, head[1].strip())]
    return chain[::-1]


def _python(lines: Sequence[str]) -> list[str]:
    starts = [i for i, line in enumerate(lines) if _TRACEBACK in line]
    if not starts:
        return []
    frames: list[str] = []
    for line in lines[starts[-1] + 1 :]:
        if frame := _FRAME.match(line):
            frames.append(f"at {frame[1]}")
        elif line.strip() and not line.startswith(" "):
            return [line.strip(), *frames[:-4:-1]]
    return frames[:-4:-1]
