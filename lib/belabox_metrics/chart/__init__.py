"""Numbers over time as SVG, for a browser that runs no script and for paper."""
