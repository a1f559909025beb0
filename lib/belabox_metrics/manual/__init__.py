"""The man page and the completion of bash, made from what the commands say of themselves: they can't grow apart."""
