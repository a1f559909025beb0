"""JSON where SQL looks into it: `runs.packed`, an array of the values of a run, before all.

One value that a card gives back otherwise makes SQLite refuse all that is asked with it. So a query looks at what is
JSON, and passes over the rest, as every reader in Python does.
"""


def if_json(column: str) -> str:
    """The column where it is JSON, else NULL."""
    return f"iif(json_valid({column}), {column}, NULL)"


VALUES = if_json("run.packed")
