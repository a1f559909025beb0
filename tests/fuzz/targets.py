"""All of them."""

from __future__ import annotations

from .database import DATABASE
from .parsers import PARSERS

TARGETS = [*PARSERS, *DATABASE]
