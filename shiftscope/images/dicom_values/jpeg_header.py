"""What a JPEG or JPEG-LS stream says of itself (ITU-T T.81 annex B, T.87 annex C), and whether it may be decoded.

GDCM ends the whole process, not the one file, on some streams that break the standard: each is walked here first.
"""

import re
from dataclasses import dataclass, replace

__all__ = ["JPEG_LS", "LOSSLESS", "JpegHeader", "jpeg_header"]

LOSSLESS = 0xC3
JPEG_LS = 0xF7
_PROCESSES = (0xC0, 0xC1, 0xC2, LOSSLESS, JPEG_LS)
_ADDED = (*range(0xE0, 0xF0), 0xFE)
_NEXT = {False: re.compile(rb"\xff+[\x01-\xcf\xd8-\xfe]"), True: re.compile(rb"\xff[\x80-\xcf\xd8-\xfe]")}
"""The mark that ends coded data: JPEG stuffs a zero byte after 0xff, JPEG-LS a zero bit; restarts are part of them."""


@dataclass(frozen=True, slots=True)
class JpegHeader:
    """The frame header.

    Attributes:
        process: low byte of the mark that starts it: 0xc0 baseline, 0xc1 extended, 0xc2 progressive, 0xc3 lossless,
            0xf7 JPEG-LS.
        precision: bits a sample.
        rows: height in pixels.
        columns: width in pixels.
        components: the identifiers of the colours, one of grey.
        transform: what Adobe's mark says of three colours, 0 for RGB and 1 for YCbCr; None without one, and where
            JFIF's mark says YCbCr already.
        bare: the stream up to its end mark without what applications add (JFIF, Adobe, thumbnails) and comments.
    """

    process: int
    precision: int
    rows: int
    columns: int
    components: tuple[int, ...]
    transform: int | None = None
    bare: bytes = b""


def jpeg_header(stream: bytes) -> JpegHeader:
    """Walk a whole stream from its start mark to its end mark.

    Raises:
        ValueError: no JPEG, cut off, of a process that DICOM does not use, or a segment breaks the standard.
    """
    if stream[:2] != b"\xff\xd8":
        raise ValueError(f"no JPEG stream: it starts with {stream[:2].hex() or 'nothing'}, expected ffd8")
    header: JpegHeader | None = None
    place, scans = 2, 0
    kept = [stream[:2]]
    transform, jfif = None, False
    while True:
        if stream[place : place + 1] != b"\xff":
            raise ValueError("the JPEG stream ends before its end mark" if place >= len(stream) else _broken(place))
        while stream[place + 1 : place + 2] == b"\xff":
            place += 1
        mark = stream[place + 1] if place + 1 < len(stream) else 0
        if mark == 0xD9:
            break
        length = int.from_bytes(stream[place + 2 : place + 4], "big")
        body = stream[place + 4 : place + 2 + length]
        if mark < 0xC0 or length < 2 or len(body) != length - 2:
            raise ValueError(_broken(place))
        if mark in _PROCESSES and header is None:
            header = _frame(mark, body)
        elif not _sound(mark, body, header):
            raise ValueError(_broken(place, f" (mark {mark:02x})"))
        jfif |= mark == 0xE0 and body.startswith(b"JFIF")
        if mark == 0xEE and body.startswith(b"Adobe") and len(body) >= 12:
            transform = body[11]
        start, place = place, place + 2 + length
        if mark == 0xDA and header is not None:
            scans += 1
            found = _NEXT[header.process == JPEG_LS].search(stream, place)
            place = found.end() - 2 if found else len(stream)
        if mark not in _ADDED:
            kept.append(stream[start:place])
    if header is None or not scans:
        raise ValueError("the JPEG stream holds no picture")
    return replace(header, transform=None if jfif else transform, bare=b"".join([*kept, b"\xff\xd9"]))


def _broken(place: int, what: str = "") -> str:
    return f"the JPEG stream breaks the standard at byte {place}{what}"


def _frame(mark: int, body: bytes) -> JpegHeader:
    components = tuple(body[6::3])
    rows, columns = int.from_bytes(body[1:3], "big"), int.from_bytes(body[3:5], "big")
    header = JpegHeader(mark, body[0] if body else 0, rows, columns, components)
    sampling = [(each >> 4, each & 15) for each in body[7::3]]
    if (
        len(body) < 9
        or len(body) != 6 + 3 * body[5]
        or len(set(components)) != len(components)
        or not all(1 <= factor <= 4 for pair in sampling for factor in pair)
        or any(table > 3 for table in body[8::3])
        or not (rows and columns)
    ):
        raise ValueError("the JPEG stream's frame header breaks the standard")
    allowed = range(2, 17) if mark in (LOSSLESS, JPEG_LS) else (8,) if mark == 0xC0 else (8, 12)
    if header.precision not in allowed:
        raise ValueError(f"a JPEG stream of process {mark:02x} with {header.precision} bits a sample")
    return header


def _sound(mark: int, body: bytes, header: JpegHeader | None) -> bool:
    """Whether a segment other than the first frame header may reach the decoder."""
    if mark == 0xDA:
        return header is not None and _sound_scan(body, header)
    if mark == 0xDB:
        return _sound_quantisers(body)
    if mark == 0xC4:
        return _sound_codes(body)
    if mark == 0xDD:
        return len(body) in (2, 3, 4)
    if mark == 0xE8:
        return not body.startswith(b"mrfx")  # a colour transform of one maker's JPEG-LS, outside the standard
    return mark == 0xF8 or mark in _ADDED


def _sound_scan(body: bytes, header: JpegHeader) -> bool:
    if not body or len(body) != 4 + 2 * body[0] or not body[0]:
        return False
    first, last, shift = body[-3:]
    if not set(body[1 : 1 + 2 * body[0] : 2]) <= set(header.components):
        return False
    tables = body[2 : 2 + 2 * body[0] : 2]
    if header.process == JPEG_LS:
        return not any(tables) and last <= 2 and not shift
    if any(table >> 4 > 3 or table & 15 > 3 for table in tables):
        return False
    if header.process == LOSSLESS:
        return 1 <= first <= 7 and not last and shift < header.precision
    if header.process == 0xC2:
        return first <= last <= 63 and shift >> 4 <= 13 and shift & 15 <= 13
    return (first, last, shift) == (0, 63, 0)


def _sound_quantisers(body: bytes) -> bool:
    while body:
        wide, slot = body[0] >> 4, body[0] & 15
        size = 64 * (1 + wide)
        if wide > 1 or slot > 3 or len(body) < 1 + size:
            return False
        body = body[1 + size :]
    return True


def _sound_codes(body: bytes) -> bool:
    """Huffman tables: no more codes of each length than a binary tree has room for, no difference over 16 bits."""
    while body:
        coefficients, slot = body[0] >> 4, body[0] & 15
        counts = body[1:17]
        total = sum(counts)
        if coefficients > 1 or slot > 3 or len(counts) < 16 or total > 256 or len(body) < 17 + total:
            return False
        if sum(count << (15 - length) for length, count in enumerate(counts)) > 1 << 16:
            return False
        if not coefficients and any(value > 16 for value in body[17 : 17 + total]):
            return False
        body = body[17 + total :]
    return True
