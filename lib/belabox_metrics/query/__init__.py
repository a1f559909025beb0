"""The stored samples of a metric, for a person at a terminal: a table, plots, or one by one."""
