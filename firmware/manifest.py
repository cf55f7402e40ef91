# ruff: noqa: F821 (the manifest's functions are MicroPython's)
# MicroPython's freezing manifest: the firmware as part of the image.
import os

package("wattseal")
package("meter")
module("boot.py")
module("main.py")

# A frozen image has no files: the tables of the combs become a module, whose bytes stay in flash.
folder = "../build/frozen"
os.makedirs(folder + "/wattseal", exist_ok=True)
with open("wattseal/comb_tables.bin", "rb") as tables:
    source = f"DATA = {tables.read()!r}\n"
with open(folder + "/wattseal/comb_data.py", "w") as made:
    made.write(source)
package("wattseal", base_path=folder)
