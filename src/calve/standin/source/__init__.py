"""The generated operational database: a shop's tables in a real PostgreSQL, the same bytes for the same day.

Knows nothing of the lake, of contracts or of runs: calve reads it like any other source.
"""

from calve.standin.source.clock import HISTORY_START
from calve.standin.source.fill import FillSummary, fill
from calve.standin.source.schema import create_schema
from calve.standin.source.state import GeneratorError

__all__ = ["HISTORY_START", "FillSummary", "GeneratorError", "create_schema", "fill"]
