"""A plain cover for a book that has none: a sky of its own colour over a dark land, as PNG bytes.

Podcast apps want a square picture of 1400 to 3000 pixels.
"""

from __future__ import annotations

import colorsys
import hashlib
import struct
import zlib

SIDE_PX = 1400


def plain_cover(title: str, side_px: int = SIDE_PX) -> bytes:
    """A PNG, `side_px` square, the same for the same title."""
    digest = hashlib.sha256(title.encode()).digest()
    hue, horizon = digest[0] / 256, 0.55 + 0.2 * digest[1] / 256
    rows = bytearray()
    for y in range(side_px):
        height = y / side_px
        if height < horizon:  # brighter towards the horizon
            colour = colorsys.hsv_to_rgb(hue, 0.65 - 0.4 * height / horizon, 0.25 + 0.65 * height / horizon)
        else:
            colour = colorsys.hsv_to_rgb((hue + 0.5) % 1, 0.5, 0.22 - 0.2 * (height - horizon))
        rows += b"\0" + bytes(round(255 * c) for c in colour) * side_px  # filter type 0, then the pixels
    header = struct.pack(">IIBBBBB", side_px, side_px, 8, 2, 0, 0, 0)  # 8-bit RGB
    parts = ((b"IHDR", header), (b"IDAT", zlib.compress(bytes(rows), 9)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, data) for kind, data in parts)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
