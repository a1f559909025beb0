"""One module a section: `measure(folder, options)` prints its tables."""
