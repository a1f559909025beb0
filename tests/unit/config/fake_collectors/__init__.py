"""Stands in for belabox_metrics.collectors: two metrics, and a module that is none."""
