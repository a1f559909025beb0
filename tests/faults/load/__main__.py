"""Too much at once: 10 000 samples a minute over a flapping network, 64 collectors, 1 GB, no CPU left."""

import sys

from ..outcome import tell
from .trials import trials

sys.exit(tell("load", trials("--long" in sys.argv), "--long" in sys.argv))
