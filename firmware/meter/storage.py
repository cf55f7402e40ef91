"""Files on the meter's flash: whole-file replacement and append, durable on return.

The root file system is LittleFS, whose files are copy-on-write: what was written becomes the
file in one metadata commit, when the file is closed, and a power cut before that leaves the old
content. Writing a temporary file and renaming it would buy nothing and triple the programming.
Only a file made for the first time can be met empty after a cut; an empty file reads as absent.
"""

import os


class Storage:
    """The files below `root`. Names are relative to it. Flash errors leave as OSError."""

    def __init__(self, root):
        self._root = root if root.endswith("/") else root + "/"

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
        with open(self._root + name, "wb") as file:
            file.write(data)

    def append(self, name, data):
        """Add `data` to the end of a file, made where missing."""
        with open(self._root + name, "ab") as file:
            file.write(data)

    def shorten(self, name, length):
        """Keep the first `length` bytes of a file (a small one: it is read as a whole)."""
        self.replace(name, self.read_at(name, 0, length))

    def size(self, name):
        """Return the length of a file in bytes."""
        return os.stat(self._root + name)[6]

    def remove(self, name):
        """Delete a file."""
        os.remove(self._root + name)

    def names(self, folder):
        """Return the sorted names in a folder, which is made where missing."""
        path = self._root + folder
        try:
            return sorted(os.listdir(path))
        except OSError:
            os.mkdir(path)
            return []
