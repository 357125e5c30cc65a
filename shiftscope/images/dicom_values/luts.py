"""Lookup tables of DICOM (PS3.3 C.11.1.1): which samples they map, and to what."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pydicom

__all__ = ["Lut", "lut_from", "lut_of"]

_ENTRIES = 1 << 16  # what a descriptor means by 0 entries


@dataclass(frozen=True, slots=True)
class Lut:
    """One table.

    Attributes:
        first: the input of the first entry; whatever lies below is mapped to that entry too.
        entries: (n,) uint16, the outputs; inputs beyond the last are mapped to the last.
        bits: how many bits an output may have.
    """

    first: int
    entries: np.ndarray
    bits: int

    def __call__(self, inputs: np.ndarray) -> np.ndarray:
        """Outputs of whole numbers: any shape -> the same shape, uint16."""
        places = np.subtract(inputs, self.first, dtype=np.int64)
        return np.asarray(self.entries[np.clip(places, 0, len(self.entries) - 1)])


def lut_of(item: pydicom.Dataset, *, signed: bool, little: bool) -> Lut:
    """The table of an item of a Modality or VOI LUT Sequence; see `lut_from`."""
    return lut_from(item.LUTDescriptor, item.LUTData, signed=signed, little=little)


def lut_from(descriptor: Sequence[int], stored: object, *, signed: bool, little: bool) -> Lut:
    """Read a table.

    The descriptor's first and third value, and all entries, are unsigned whatever the value representation says; the
    second one has the sign of the inputs. Entries of 8 bits may be packed in pairs. A table shorter than its descriptor
    says ends at its last entry, and one whose entries need more bits than it says has those bits.

    Args:
        descriptor: number of entries, first input, bits of an entry.
        stored: the entries as bytes or as numbers.
        signed: whether the inputs may lie below zero.
        little: whether the file's words are little-endian.

    Raises:
        ValueError: a table without entries, or without its three numbers.
    """
    if len(descriptor) != 3:
        raise ValueError(f"a lookup table described by {len(descriptor)} numbers, expected 3")
    count, first, bits = (int(value) % _ENTRIES for value in descriptor)
    if signed and first >= _ENTRIES // 2:
        first -= _ENTRIES
    entries = _entries(stored, count or _ENTRIES, bits, little)
    if not len(entries):
        raise ValueError("a lookup table without entries")
    return Lut(first, entries, max(bits, int(entries.max()).bit_length()))


def _entries(stored: object, count: int, bits: int, little: bool) -> np.ndarray:
    """The first `count` entries of a table stored as bytes or as words."""
    if isinstance(stored, bytes):
        wide = len(stored) >= 2 * count or (bits > 8 and len(stored) > count + 1)
        if wide:
            return np.frombuffer(stored[: len(stored) // 2 * 2], "<u2" if little else ">u2")[:count].astype(np.uint16)
        return np.frombuffer(stored, np.uint8)[:count].astype(np.uint16)
    numbers = np.atleast_1d(np.array(stored, np.int64)) % _ENTRIES
    if bits <= 8 and len(numbers) == (count + 1) // 2 and count > 1:
        numbers = numbers.astype("<u2").view(np.uint8)
    return np.asarray(numbers[:count].astype(np.uint16))
