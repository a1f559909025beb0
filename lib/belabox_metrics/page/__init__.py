"""What a person sees of the box in a browser: its state, its stream, the last hour."""
