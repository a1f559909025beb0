"""The state of the box as Prometheus asks for it: `/metrics`."""
