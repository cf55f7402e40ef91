"""The recipient's side of an export: the exchange by PIN, and what came of it, checked."""
