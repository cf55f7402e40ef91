"""The protocol's numbers for the scripts in the browser, out of the protocol package itself."""

from __future__ import annotations

import json

from wattseal import export, keytree, labels, spake2
from wattseal.generators import H

_FOR_THE_METER = "METER_"
_OF_ALL = "METER_ID"


def constants() -> dict[str, object]:
    """Labels and points in hexadecimal; sizes as numbers."""
    return {
        "labels": {
            name: value.hex()
            for name, value in vars(labels).items()
            if isinstance(value, bytes) and (name == _OF_ALL or not name.startswith(_FOR_THE_METER))
        },
        "blinds": [_point(point) for point in spake2.BLINDS],
        "H": _point(H),
        "blockRecords": keytree.BLOCK_RECORDS,
        "chunkBytes": export.CHUNK_BYTES,
        "itemBytes": export.ITEM_BYTES,
        "tagBytes": export.TAG_BYTES,
        "kinds": {"block": export.BLOCK, "sum": export.SUM},
    }


def module() -> bytes:
    """An ECMAScript module whose default export they are."""
    return f"export default {json.dumps(constants())};\n".encode()


def _point(point: tuple[int, int]) -> list[str]:
    return [f"{number:064x}" for number in point]
