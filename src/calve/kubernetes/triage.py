"""Say why an application failed, from facts: a word, a sentence, details, and what to type.

Pure: the same facts give the same diagnosis, and nothing is asked. What it quotes of logs and messages has no secrets
and no values of rows in it. The first rule that finds something decides; the records come before the cluster, since
an application may be called failed whose run is published.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass

from calve.errors import EX_DATAERR, IntervalError
from calve.kubernetes import message_causes as message
from calve.kubernetes import pod_causes as pod
from calve.kubernetes.evidence import Cause, Facts, Found, Proof, Seen
from calve.kubernetes.names import DAG, DAG_RUN, OWNER, TASK, TRY, name_of_run
from calve.lake.attempts import CHANGES, Way
from calve.redaction import redacted
from calve.runs import ALL, Run

__all__ = ["Cause", "Diagnosis", "Facts", "Proof", "because", "clear_command", "told", "triage"]

MOST_SIGNS = 600
_EVENTS = 5
_RULES: tuple[Callable[[Seen], Found | None], ...] = (
    message.published,
    message.blocked,
    pod.evicted,
    pod.image,
    pod.configuration,
    pod.quota,
    pod.submission,
    pod.operator,
    message.mismatch,
    message.lease,
    message.store,
    message.database,
    message.wrong_input,
    pod.driver_memory,
    pod.executor_lost,
    message.temporary,
    pod.unschedulable,
    pod.driver_gone,
    pod.deadline,
    pod.deleted,
    message.running,
    message.unproven,
)


@dataclass(frozen=True)
class Diagnosis:
    """Why an application failed.

    Attributes:
        cause: One of a closed list of words; alerts are grouped by it.
        sentence: What happened.
        is_retryable: Whether the same again may end otherwise, with nothing mended.
        look: Commands that show more.
        again: Commands that run it again, in this order; none where nothing is to be run.
    """

    name: str
    cause: Cause
    sentence: str
    is_retryable: bool
    details: tuple[str, ...]
    look: tuple[str, ...]
    again: tuple[str, ...]

    @property
    def commands(self) -> tuple[str, ...]:
        """Return all commands, those that look first."""
        return self.look + self.again


def triage(facts: Facts) -> Diagnosis:
    """Return why the application failed, as far as the facts tell."""
    seen = Seen(facts)
    found = next((answer for rule in _RULES if (answer := rule(seen))), None) or message.unknown(seen)
    details = [line for text in (*found.details, *_details(seen, found)) for line in redacted(text).splitlines()]
    return Diagnosis(
        name=facts.name,
        cause=found.cause,
        sentence=_cut(redacted(found.sentence)),
        is_retryable=_may_end_otherwise(seen, found),
        details=tuple(dict.fromkeys(_cut(line) for line in details)),
        look=tuple(dict.fromkeys((*found.look, *_look(seen)))),
        again=() if found.cause in ("published", "running") else _again(seen, found.cause),
    )


def _may_end_otherwise(seen: Seen, found: Found) -> bool:
    """Tell whether a retry helps: never where calve itself said that it can't, whatever else befell the pods."""
    return found.is_retryable and not (seen.said and seen.exit_code == EX_DATAERR)


def told(diagnosis: Diagnosis) -> str:
    """Return the diagnosis as text, for a terminal or a log."""
    lines = [because(diagnosis)]
    lines += [f"look:   {command}" for command in diagnosis.look]
    lines += [f"again:  {command}" for command in diagnosis.again]
    return "\n".join(lines)


def because(diagnosis: Diagnosis) -> str:
    """Return the diagnosis as text without its commands, for a message that has a place of its own for them."""
    hope = "a retry may help" if diagnosis.is_retryable else "a retry can't help"
    quiet = diagnosis.cause in ("published", "running")
    lines = [f"{diagnosis.name}: {diagnosis.cause}{'' if quiet else f', {hope}'}", f"  {diagnosis.sentence}"]
    return "\n".join([*lines, *(f"  {line}" for line in diagnosis.details)])


def clear_command(dag: str, task: str) -> str:
    """Return how a person lets Airflow run a failed task again, and what waits for it; Airflow asks before it does."""
    return f"airflow tasks clear {shlex.quote(dag)} -t {shlex.quote(task)} --downstream --only-failed"


def _details(seen: Seen, found: Found) -> Iterator[str]:
    """Yield what a reader wants beside the sentence: state, last words, exceptions, events, whose it is."""
    if seen.state and found.cause not in ("published", "running"):
        yield f"state {seen.state}" + (f": {seen.error.splitlines()[0]}" if seen.error else "")
    if seen.said and seen.saying not in found.sentence:
        yield "calve said: " + seen.saying
    if found.cause not in ("published", "running", "audit-blocked"):
        yield from (line if line.startswith("at ") else f"exception: {line}" for line in seen.exceptions)
        yield from (f"skewed: {line}" for line in seen.skewed)
        warnings = [event for event in seen.facts.events if event.get("type") == "Warning"]
        for event in warnings[-_EVENTS:]:
            yield f"event {event.get('reason')}: {' '.join(str(event.get('message') or '').splitlines()[:1])}"
    yield from _belongings(seen)
    yield from (f"not readable: {line}" for line in seen.facts.unreadable)


def _belongings(seen: Seen) -> Iterator[str]:
    metadata = (seen.facts.application or {}).get("metadata") or {}
    notes, labels = metadata.get("annotations") or {}, metadata.get("labels") or {}
    proof = seen.facts.proof
    if seen.run:
        yield f"run {seen.run.key}" + (f", of team {notes[OWNER]}" if OWNER in notes else "")
    if DAG in notes:
        task, dag_run, attempt = notes.get(TASK), notes.get(DAG_RUN), labels.get(TRY)
        yield f"made by Airflow: dag {notes[DAG]}, task {task}, run {dag_run}, try {attempt}"
    if proof and proof.holder:
        yield f"lease now: {proof.holder}"
    if proof and proof.last_good:
        yield f"last good: {proof.last_good}"


def _look(seen: Seen) -> Iterator[str]:
    if seen.facts.application is not None:
        yield seen.kubectl(f"describe {seen.kind} {seen.facts.name}")
    if seen.facts.driver is not None:
        yield seen.kubectl(f"logs {seen.pod}")


def _again(seen: Seen, cause: Cause) -> tuple[str, ...]:
    """Return how a person runs it again; an application in the way of the new one is removed first.

    What Airflow made is Airflow's to make again: another application would leave the task red.
    """
    notes = ((seen.facts.application or {}).get("metadata") or {}).get("annotations") or {}
    if DAG in notes and TASK in notes:
        return (clear_command(notes[DAG], notes[TASK]),)
    run = seen.run
    if run is None or seen.is_pod:
        return ()
    command = f"calve manifest {run.pipeline} --interval {run.interval}"
    if run.scope != ALL:
        command += f" --scope {shlex.quote(run.scope)}"
    way = _asked(seen, run)
    command += f" --{way.mode}" if way.mode != "changes" else ""
    command += f" --datasets {','.join(way.datasets)}" if way.datasets else ""
    is_in_the_way = seen.facts.application is not None and seen.facts.name == name_of_run(run)
    # A blocked run is finished: the next one has another name.
    first = (
        (seen.kubectl(f"delete sparkapplication {seen.facts.name}"),)
        if is_in_the_way and cause != "audit-blocked"
        else ()
    )
    return (*first, f"{command} | kubectl apply -f -")


def _asked(seen: Seen, run: Run) -> Way:
    """Return the way that the application's arguments say; that of any run when they say none."""
    arguments = ((seen.facts.application or {}).get("spec") or {}).get("arguments") or []
    for each in map(str, arguments):
        if each.startswith(f"{run.key}="):
            with suppress(IntervalError):
                return Way.parse(each.rpartition("=")[2])
    return CHANGES


def _cut(text: str) -> str:
    return text if len(text) <= MOST_SIGNS else f"{text[: MOST_SIGNS - 1]}…"
