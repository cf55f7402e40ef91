# ruff: noqa: F821 (the manifest's functions are MicroPython's)
# The port's own modules, then the meter.
include("$(PORT_DIR)/boards/manifest.py")
include("../../firmware/manifest.py")
