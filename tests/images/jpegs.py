"""JPEG streams of known samples, written after ITU-T T.81: no library's encoder has a part in them."""

import struct

import numpy as np


def segment(mark: int, body: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, mark, len(body) + 2) + body


def flat_blocks(levels: np.ndarray, precision: int, *, process: int = 0xC1, added: bytes = b"") -> bytes:
    """A sequential DCT stream whose 8 x 8 blocks are flat: (r, c[, 3]) levels -> 8 r x 8 c pixels, without any loss."""
    levels = levels.astype(int).reshape(*levels.shape[:2], -1)
    rows, columns, colours = levels.shape
    bits, before = "", [2 ** (precision - 1)] * colours
    for y, x, k in np.ndindex(levels.shape):
        bits += _difference(int(levels[y, x, k]) - before[k]) + "0"  # no coefficient but the mean
        before[k] = int(levels[y, x, k])
    head = added + segment(0xDB, bytes([0, *[8] * 64])) + _frame(process, precision, 8 * rows, 8 * columns, colours)
    codes = _codes() + segment(0xC4, bytes([0x10, 1, *[0] * 15, 0]))
    return b"\xff\xd8" + head + codes + _scan(bits, colours, 0, 63)


def lossless(pixels: np.ndarray, precision: int, *, predictor: int = 1) -> bytes:
    """A lossless stream (process 14) of (r, c[, 3]) samples; signed ones as their low bits."""
    samples = (pixels.astype(int) & (2**precision - 1)).reshape(*pixels.shape[:2], -1)
    rows, columns, colours = samples.shape
    bits = ""
    for y, x, k in np.ndindex(samples.shape):
        left, above, corner = (int(samples[y - dy, x - dx, k]) for dy, dx in ((0, 1), (1, 0), (1, 1)))
        if y == 0:
            expected = left if x else 2 ** (precision - 1)
        elif x == 0:
            expected = above
        else:
            expected = (
                *(left, above, corner, left + above - corner),
                *(left + ((above - corner) >> 1), above + ((left - corner) >> 1), (left + above) >> 1),
            )[predictor - 1]
        difference = (int(samples[y, x, k]) - expected) & 0xFFFF
        bits += _difference(difference if difference <= 0x8000 else difference - 0x10000)
    return b"\xff\xd8" + _frame(0xC3, precision, rows, columns, colours) + _codes() + _scan(bits, colours, predictor, 0)


def _frame(process: int, precision: int, rows: int, columns: int, colours: int) -> bytes:
    parts = b"".join(bytes([k + 1, 0x11, 0]) for k in range(colours))
    return segment(process, struct.pack(">BHHB", precision, rows, columns, colours) + parts)


def _codes() -> bytes:
    """A Huffman table that gives each of the 17 sizes of a difference its own number in 5 bits."""
    return segment(0xC4, bytes([0, 0, 0, 0, 0, 17, *[0] * 11, *range(17)]))


def _difference(value: int) -> str:
    size = abs(value).bit_length()
    if size in (0, 16):
        return format(size, "05b") if not size else "10000"
    return format(size, "05b") + format(value if value > 0 else value + (1 << size) - 1, f"0{size}b")


def _scan(bits: str, colours: int, first: int, last: int) -> bytes:
    bits += "1" * (-len(bits) % 8)
    coded = int(bits, 2).to_bytes(len(bits) // 8, "big").replace(b"\xff", b"\xff\x00")
    tables = b"".join(bytes([k + 1, 0]) for k in range(colours))
    return segment(0xDA, bytes([colours]) + tables + bytes([first, last, 0])) + coded + b"\xff\xd9"
