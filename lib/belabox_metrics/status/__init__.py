"""The command `status`: one screen about this box."""
