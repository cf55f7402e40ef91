"""Certified disclosures: answers to questions about readings, proven against sealed records."""
