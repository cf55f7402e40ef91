# ruff: noqa: F821 (the manifest's functions are MicroPython's)
# MicroPython's freezing manifest: the firmware as part of the image.
package("wattseal")
package("meter")
module("boot.py")
module("main.py")
