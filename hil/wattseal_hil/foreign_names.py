"""Names of attributes that others have, too: what a class of the firmware calls so stays so.

A file has `read`, an event of asyncio has `wait`. Those of Python's own that the firmware uses
(`tests/hil/test_shorten.py` looks), and those of chips that MicroPython drives.
"""

_FOREIGN = """
CancelledError Event Lock Server StreamReader TimeoutError add append cancel clear close closed
collect count create_task current_task decode digest drain encode endswith events extend feed
find flags flush format from_bytes fromhex gather get gmtime hex is_set isdigit join keys
listdir load loads log lower mkdir modules name open path pop read readexactly readinto release
remove rename replace result reverse rfind rpartition rsplit run seek send set setdefault sha256
shape sleep split start start_server stat state statvfs strip tell time_ns to_bytes update upper
value version wait wait_closed wait_for write
any datetime fill ilistdir info init ioctl irq off on pixel read_uv readblocks readfrom text
ticks_diff ticks_ms ticks_us txdone writeblocks writeto
"""
FOREIGN = frozenset(_FOREIGN.split())
