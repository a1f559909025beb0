"""One module a metric, named after it. Each has METRIC, PRIORITY, SETTINGS and collect(world) -> Reading."""
