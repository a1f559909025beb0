"""How the server is reached: where it is, who we are to it, and one request at a time."""
