"""Cells of the database that hold what nobody has stored there: of another kind, another text, another number."""

import sys

from ..outcome import tell
from .trials import trials

sys.exit(tell("cells", trials("--long" in sys.argv), "--long" in sys.argv))
