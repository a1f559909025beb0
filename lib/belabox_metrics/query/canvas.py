"""Dots on a terminal, several to a character."""

from __future__ import annotations


class Braille:
    """Two dots beside each other and four above, in the block that Unicode has for them from U+2800 on."""

    WIDTH = 2
    HEIGHT = 4
    # Of a dot in its character, by row and column, its bit in the code point.
    _BITS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))

    def character(self, dots: list[tuple[int, int]]) -> str:
        """With dots at these (column, row), the top left one being (0, 0)."""
        bits = 0
        for column, row in dots:
            bits |= self._BITS[row][column]
        return chr(0x2800 + bits) if bits else " "


class Ascii:
    """One dot wide; of three above each other a single one has a character that looks like it."""

    WIDTH = 1
    HEIGHT = 3
    _SINGLE = ("'", "-", ".")

    def character(self, dots: list[tuple[int, int]]) -> str:
        """As above."""
        rows = {row for _, row in dots}
        if not rows:
            return " "
        return self._SINGLE[rows.pop()] if len(rows) == 1 else "|"


class Canvas:
    """`columns` by `rows` characters, as dots `width` by `height`; (0, 0) is at the bottom left."""

    def __init__(self, columns: int, rows: int, style: Braille | Ascii) -> None:
        self.width = columns * style.WIDTH
        self.height = rows * style.HEIGHT
        self._columns = columns
        self._rows = rows
        self._style = style
        self._cells: dict[tuple[int, int], list[tuple[int, int]]] = {}

    def bar(self, column: int, low: int, high: int) -> None:
        """Dots at `column` from `low` to `high`, both with them. What is outside is left out."""
        if not 0 <= column < self.width:
            return
        for height in range(max(0, low), min(self.height - 1, high) + 1):
            at, within = divmod(column, self._style.WIDTH)
            down, row = divmod(self.height - 1 - height, self._style.HEIGHT)
            self._cells.setdefault((at, down), []).append((within, row))

    def lines(self) -> list[str]:
        """From top to bottom, all of the same length."""
        return [
            "".join(self._style.character(self._cells.get((at, down), [])) for at in range(self._columns))
            for down in range(self._rows)
        ]
