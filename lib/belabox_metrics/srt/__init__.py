"""The statistics of an SRT stream, as the programs that carry it publish them. One module a format."""
