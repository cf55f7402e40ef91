"""The portal: a website where customers look at data they handed over, and nobody else does.

What was handed over lives in memory alone, for one session, and is wiped with it.
"""
