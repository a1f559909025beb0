"""A database of the Go system at our place: it is moved aside, and its rows follow into a new one of ours."""
