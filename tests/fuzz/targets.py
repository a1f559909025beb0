"""All of them."""

from __future__ import annotations

from .asking import ASKING
from .configured import CONFIGURED
from .database import DATABASE
from .go_system import GO_SYSTEM
from .memories import MEMORIES
from .parsers import PARSERS
from .shown import SHOWN
from .views import VIEWS

TARGETS = [*PARSERS, *DATABASE, *GO_SYSTEM, *VIEWS, *CONFIGURED, *SHOWN, *ASKING, *MEMORIES]
