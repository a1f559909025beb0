"""What is stored, taken off the box: as lines for other programs, as a copy of the database, as a file for each day."""
