# ruff: noqa: F821 (the manifest's functions are MicroPython's)
# MicroPython's freezing manifest: the firmware as part of the image.
from pathlib import Path

package("wattseal")
package("meter")
module("boot.py")
module("main.py")

# A frozen image has no files: the tables of the combs become a module, whose bytes stay in flash.
frozen = Path("../build/frozen")
(frozen / "wattseal").mkdir(parents=True, exist_ok=True)
tables = Path("wattseal/comb_tables.bin").read_bytes()
(frozen / "wattseal" / "comb_data.py").write_text(f"DATA = {tables!r}\n")
package("wattseal", base_path=str(frozen))
