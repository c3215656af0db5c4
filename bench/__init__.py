"""What calve costs against what one would do without it: `python -m bench`.

Everything runs on an engine of its own, which the tests have as well. Nothing here is imported by calve.
"""

import sys
from pathlib import Path

# The engine of the tests, their small lake, and what drives their tasks.
sys.path += [str(Path(__file__).parents[1] / "tests" / folder) for folder in ("", "chain", "lake", "orchestration")]
