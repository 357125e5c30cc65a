"""The table of what harmonizers share says of each what it really shares, and nothing more."""

import numpy as np
import pytest

from shiftscope.disclosure.array_rules import MOST_NUMBERS, SHARED
from shiftscope.harmonizers import HARMONIZERS, NOTHING, combine, share
from shiftscope.testing.harmonizer_contracts.stained_tiles import RUIFROK, tile, tissue


def patients(name: str) -> list[list[np.ndarray]]:
    """Twelve, of what the harmonizer works on."""
    rng = np.random.default_rng(0)
    on = HARMONIZERS[name].on
    if on == "geometry":
        return [[np.array([[1.0, 0.5, 0.5], [1.0, 64.0, 64.0]]) * rng.uniform(0.8, 1.2)] for _ in range(12)]
    if on == "features":
        return [[rng.normal(size=16)] for _ in range(12)]
    if on == "colour":
        return [[tile(tissue(rng), RUIFROK)] for _ in range(12)]
    return [[case] for case in rng.uniform(0.2, 1.0, size=(12, 1, 1, 64, 64)).astype(np.float32)]


@pytest.mark.parametrize("name", [name for name, harmonizer in HARMONIZERS.items() if harmonizer.shares])
def test_names_and_axes_are_those_of_the_harmonizer(name: str) -> None:
    harmonizer, cases = HARMONIZERS[name], patients(name)
    own, reference, added = NOTHING, NOTHING, {}
    for number in range(len(harmonizer.exchanges)):
        after = share(harmonizer, number, cases, own, reference)
        added |= {key: array for key, array in after.items() if array is not own.get(key)}
        own, reference = after, combine(harmonizer, number, [after, after], reference)
    assert {key: array.ndim for key, array in added.items()} == dict(SHARED[name])
    assert all(array.dtype == np.float64 and array.size <= MOST_NUMBERS for array in added.values())


def test_what_shares_nothing_is_not_in_the_table() -> None:
    assert {name for name, harmonizer in HARMONIZERS.items() if harmonizer.shares} == SHARED.keys()
