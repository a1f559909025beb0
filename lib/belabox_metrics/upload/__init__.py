"""Sending what is stored: queue, chunks, wire format, transport."""
