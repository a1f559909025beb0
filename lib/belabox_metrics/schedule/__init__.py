"""The schedule: intervals to timers, timers to unit files, and unit files to a running systemd."""
