"""A server for trying uploads out: it looks at what comes more closely than the real one, tells, and keeps nothing."""
