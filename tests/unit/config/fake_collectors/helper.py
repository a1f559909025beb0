"""Not a metric: it has no METRIC."""
