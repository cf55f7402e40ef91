"""A customer's readings in formats that other programs read."""
