"""The customer's software: the only one that knows readings. Never imported by the provider's."""
