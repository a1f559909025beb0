"""The proof that nothing was lost: what the box counts as sent, compared with what the server gives back."""
