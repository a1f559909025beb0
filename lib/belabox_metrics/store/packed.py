"""The values of a run where SQL looks into them: `runs.packed`, a JSON array.

One value that a card gives back otherwise makes SQLite refuse all that is asked with it. So a query looks at what is
JSON, and passes over the rest, as every reader in Python does.
"""

VALUES = "iif(json_valid(run.packed), run.packed, NULL)"
