"""What there is to see of a video encoder from outside of it, one module a place to look."""
