"""What may have gone wrong, one function a rule; catalog.py has them all, in words."""
