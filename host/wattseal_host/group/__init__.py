"""Sums over a group of meters: what several customers and one aggregator know of the protocol.

The members' side is `customer.group_rounds`, the aggregator's `provider.group_sums`. All that
passes between them are the signed papers of this package, which hold nothing secret.
"""
