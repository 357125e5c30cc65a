"""What is mapped, and what stays: padding, the channels, the range."""

import numpy as np

from shiftscope.harmonizers.foregrounds import map_foreground

CASE = np.zeros((1, 2, 2, 2), np.float32)
CASE[0, 0, 0] = (0.25, 0.5)
CASE[0, 1, 0, 1] = 0.75


def test_each_channel_has_its_own_map_and_zero_beside_a_value_is_foreground() -> None:
    given: dict[int, list[float]] = {}

    def grey_map(values: np.ndarray, channel: int) -> np.ndarray:
        given[channel] = values.tolist()
        return values + channel + 0.1

    result = map_foreground(CASE, grey_map)
    assert given == {0: [0.25, 0.5], 1: [0.0, 0.75]}
    np.testing.assert_allclose(result[0, 0], [[0.35, 0.6], [0, 0]])
    np.testing.assert_array_equal(result[0, 1], [[1, 1], [0, 0]])  # clipped
    assert result.dtype == np.float32
    assert CASE.max() == 0.75


def test_nothing_is_asked_where_nothing_is_shown() -> None:
    def never(_values: np.ndarray, _channel: int) -> np.ndarray:
        raise AssertionError

    np.testing.assert_array_equal(map_foreground(np.zeros_like(CASE), never), np.zeros_like(CASE))
