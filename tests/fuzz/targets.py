"""All of them."""

from __future__ import annotations

from .database import DATABASE
from .go_system import GO_SYSTEM
from .parsers import PARSERS
from .views import VIEWS

TARGETS = [*PARSERS, *DATABASE, *GO_SYSTEM, *VIEWS]
