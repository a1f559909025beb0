"""One stream, explained: what went wrong, when, what came before it, and the numbers that say so."""
