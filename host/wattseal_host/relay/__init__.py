"""The relay: what a provider's collector passes between websites and the meters of its customers.

Messages, chunks and sealed records go through unread: shares, confirmations and ciphertext, from
which nobody but the two ends learns anything.
"""
