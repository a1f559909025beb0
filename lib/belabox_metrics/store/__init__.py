"""The memory: one WAL SQLite database, written under one lock."""
