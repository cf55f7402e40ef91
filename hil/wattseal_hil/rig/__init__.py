"""A rig: one meter on a bench, whatever the bench is made of.

`interface` says what can be asked of any rig, `spec` names rigs (`emulated`, `esp32:/dev/ttyUSB0`,
`socket://host:port`), `environment` reads them from a file; `emulated`, `remote` and `real` are the
rigs themselves. `open_rig(parse("emulated"))` in `spec` makes one.
"""
