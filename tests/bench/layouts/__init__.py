"""How runs are best stored: the layouts that docs/storage.md compares."""
