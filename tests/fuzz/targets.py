"""All of them."""

from __future__ import annotations

from .database import DATABASE
from .parsers import PARSERS
from .views import VIEWS

TARGETS = [*PARSERS, *DATABASE, *VIEWS]
