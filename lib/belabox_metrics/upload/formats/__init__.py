"""How samples are spelled on the wire: one module for each value of `remote.format`."""
