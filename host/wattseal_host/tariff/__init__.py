"""Tariffs: public signed price lists, and the integer weight each gives every record."""

from wattseal_host.tariff.model import Tariff, open_tariff

__all__ = ["Tariff", "open_tariff"]
