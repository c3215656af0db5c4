"""The generated operational database: a shop's tables in a real PostgreSQL, the same bytes for the same day.

Knows nothing of the lake, of contracts or of runs: calve reads it like any other source.
"""

from calve.standin.source.canary import canaries
from calve.standin.source.clock import HISTORY_START
from calve.standin.source.defects import DEFECTS, Defect
from calve.standin.source.fill import FillSummary, fill
from calve.standin.source.plant import PlantSummary, RepairSummary, plant, repair
from calve.standin.source.schema import create_schema
from calve.standin.source.state import GeneratorError

__all__ = [
    "DEFECTS",
    "HISTORY_START",
    "Defect",
    "FillSummary",
    "GeneratorError",
    "PlantSummary",
    "RepairSummary",
    "canaries",
    "create_schema",
    "fill",
    "plant",
    "repair",
]
