"""What arrays weigh on their way."""

import io
from collections.abc import Mapping

import numpy as np

__all__ = ["bytes_of"]


def bytes_of(arrays: Mapping[str, np.ndarray]) -> int:
    """As they travel: each in NumPy's own format."""
    return sum(_header(array) + array.nbytes for array in map(np.asarray, arrays.values()))


def _header(array: np.ndarray) -> int:
    empty = io.BytesIO()
    header = {**np.lib.format.header_data_from_array_1_0(array), "fortran_order": False}
    np.lib.format.write_array_header_1_0(empty, header)
    return len(empty.getvalue())
