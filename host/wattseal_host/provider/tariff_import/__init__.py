"""Other people's price lists as tariffs of our own: whole, or refused with the field named.

Each format reads one published file into a `Draft`. What a bill would need and the language of
tariffs cannot say is Malformed `import-field`; nothing is left out in silence: what people wrote
into comments is handed back as notes.
"""
