"""Every deliberate failure of calve. Nothing else decides an exit code.

A message has three parts: which thing, what was found against what was expected, what to do.
"""

EX_DATAERR = 65
EX_TEMPFAIL = 75


class CalveError(Exception):
    """Base of all deliberate failures; `retryable` decides the exit code."""

    retryable = False

    @property
    def exit_code(self) -> int:
        """Return 75 (EX_TEMPFAIL) if a retry may succeed, else 65 (EX_DATAERR)."""
        return EX_TEMPFAIL if self.retryable else EX_DATAERR


class ContractError(CalveError):
    """A contract, source or pipeline file is wrong; lists all mistakes found."""


class IntervalError(CalveError):
    """An interval is reversed, not aligned, or not over yet."""


class SettingsError(CalveError):
    """A setting is missing or malformed."""


class DigestMismatchError(CalveError):
    """The job was started with other contracts than its submitter holds."""


class SourceDriftError(CalveError):
    """A source no longer looks as described; nothing was staged."""


class BlockedError(CalveError):
    """The audit blocked a run; its readers still see the previous publication."""


class SourceUnavailableError(CalveError):
    """A source is down, slow or refusing; nothing was landed."""

    retryable = True


class LeaseHeldError(CalveError):
    """Another live run holds the pipeline's lease; nothing was changed."""

    retryable = True


class LeaseLostError(CalveError):
    """This run's lease epoch is over; it changed nothing and must not go on."""

    retryable = True


class StaleBaseError(CalveError):
    """`main` moved between verdict and publication; the run must stage again."""

    retryable = True


class PublicationConflictError(CalveError):
    """Tables are neither at their base nor published; a person must look before anything moves."""


class ClockSkewError(CalveError):
    """Our clock and PostgreSQL's differ so much that published metadata could become unreadable."""

    retryable = True


class LakeUnavailableError(CalveError):
    """The catalog database or the object store did not answer, or lacks something it must have."""

    retryable = True


class LakeLostError(CalveError):
    """The catalog names files that the object store no longer has."""


class WarehouseUnavailableError(CalveError):
    """Snowflake did not answer; what it serves is unchanged and the next run catches up."""

    retryable = True


class WarehouseStateError(CalveError):
    """Snowflake serves or grants something other than the records say; nothing was swapped."""


class JobFailedError(CalveError):
    """The Spark application ended without a verdict."""

    retryable = True


class UnfinishedError(CalveError):
    """The Spark application refused to go on with what it was given; nothing of the run is visible."""


class ManifestError(CalveError):
    """The cluster refuses a manifest, or us; nothing was started."""


class ClusterUnavailableError(CalveError):
    """The cluster did not answer, or has no room; what was asked may have been done, and is looked up by a retry."""

    retryable = True


class LocalEngineError(CalveError):
    """A part of the local profile is missing, crashed, or lost its state."""
