"""How the box is: facts from the database, a verdict, and a small HTTP server that tells it."""
