"""What happens to a box, done to one on purpose, and what is left counted: `tests/faults/run`, docs/reliability.md."""
