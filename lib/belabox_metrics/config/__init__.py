"""The configuration: a YAML document with lines, the keys it may have, and what they compile to."""
