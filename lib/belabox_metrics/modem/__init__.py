"""What the box knows of its modems, one module a source."""
