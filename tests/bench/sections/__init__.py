"""One module a section: `measure(options) -> list[Figure]`."""
