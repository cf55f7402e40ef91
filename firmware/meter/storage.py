"""Files on the meter's flash: whole-file replacement and append, durable on return.

The root file system is LittleFS, whose files are copy-on-write: what was written becomes the
file in one metadata commit, when the file is closed, and a power cut before that leaves the old
content. Writing a temporary file and renaming it would buy nothing and triple the programming.
Only a file made for the first time can be met empty after a cut; an empty file reads as absent.

What is written often lies in the folder LIVE: where half the flash is full LittleFS no longer
moves the root folder, which would wear out the first two blocks. Other folders it moves on.
"""

import os

LIVE = "live"


class Storage:
    """The files below `root`. Names are relative to it. Flash errors leave as OSError.

    failed: whether the last write failed.
    """

    def __init__(self, root):
        self._root = root if root.endswith("/") else root + "/"
        self.failed = False

    def read(self, name):
        """Return the content of a small file, b"" if there is none."""
        try:
            with open(self._root + name, "rb") as file:
                return file.read()
        except OSError:
            return b""

    def read_at(self, name, offset, length):
        """Return up to `length` bytes of a file from `offset`."""
        with open(self._root + name, "rb") as file:
            file.seek(offset)
            return file.read(length)

    def replace(self, name, data):
        """Make `data` the content of a file, all or nothing."""
        self._write(name, "wb", data)

    def append(self, name, data):
        """Add `data` to the end of a file, made where missing."""
        self._write(name, "ab", data)

    def _write(self, name, mode, data):
        self.failed = True
        with open(self._root + name, mode) as file:
            file.write(data)
        self.failed = False

    def shorten(self, name, length):
        """Keep the first `length` bytes of a file (a small one: it is read as a whole)."""
        self.replace(name, self.read_at(name, 0, length))

    def open(self, name):
        """Return a file to read, to be closed by the caller."""
        return open(self._root + name, "rb")

    def create(self, name):
        """Return an empty file to write, which is `name` once the caller has closed it."""
        return open(self._root + name, "wb")

    def move(self, name, target):
        """Put a file in the place of another, all or nothing."""
        os.rename(self._root + name, self._root + target)

    def free_blocks(self):
        """Return how many blocks of 4 KiB are free. It takes a look at every file."""
        blocks, free = os.statvfs(self._root)[2:4]
        # LittleFS counts a block that two files share twice, and so may count below zero.
        return free if free <= blocks else 0

    def size(self, name):
        """Return the length of a file in bytes."""
        return os.stat(self._root + name)[6]

    def remove(self, name):
        """Delete a file."""
        os.remove(self._root + name)

    def folder(self, name):
        """Make a folder, where it is missing."""
        try:
            os.stat(self._root + name)
        except OSError:
            os.mkdir(self._root + name)

    def sizes(self, folder):
        """Generate (name, length in bytes) of the files in a folder, in no order."""
        for entry in os.ilistdir(self._root + folder):
            yield entry[0], entry[-1]
