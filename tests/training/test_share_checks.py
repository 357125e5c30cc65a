"""Statistics of harmonizers that cannot be are refused by name; those of real cases never are."""

import numpy as np
import pytest

from shiftscope.errors import EngineError
from shiftscope.harmonizers import HARMONIZERS, NOTHING, Statistics, combine, share
from shiftscope.training.runs.share_checks import alike, require_share


def cases_for(name: str) -> list[list[np.ndarray]]:
    """Thirty patients with a case each, in the form that the harmonizer takes."""
    rng = np.random.default_rng(1)
    on = HARMONIZERS[name].on
    if on == "features":
        return [[rng.normal(size=7)] for _ in range(30)]
    if on == "geometry":
        return [[np.array([[2.0, 1.0, 1.0], [9.0, 16.0, 16.0]])] for _ in range(30)]
    channels = 3 if on == "colour" else 1
    return [[rng.uniform(0.1, 0.9, (1, channels, 24, 24)).astype(np.float32)] for _ in range(30)]


@pytest.mark.parametrize("name", [name for name, each in HARMONIZERS.items() if each.shares])
def test_what_real_cases_give_is_let_pass(name: str) -> None:
    own, reference = NOTHING, NOTHING
    for number in range(len(HARMONIZERS[name].exchanges)):
        own = share(HARMONIZERS[name], number, cases_for(name), own, reference)
        require_share(name, own)
        reference = combine(HARMONIZERS[name], number, [own, own], reference)


@pytest.mark.parametrize(
    ("name", "sent", "says"),
    [
        ("quantile_map", {"quantiles": np.zeros(5)}, "with 1 axes, expected quantiles of 2"),
        ("quantile_map", {"quantiles": np.zeros((0, 5))}, "with numbers that it cannot have"),
        ("quantile_map", {"quantiles": np.array([[0.5, 0.1]])}, "which rise"),
        ("quantile_map", {"quantiles": np.array([[0.5, 7.0]])}, "grey values from 0 to 1"),
        ("quantile_map", {"images": np.zeros((2, 2))}, "expected quantiles of 2"),
        ("quantile_map", {"quantiles": np.array([["a", "b"]])}, "expected finite numbers"),
        ("combat", {"patients": np.array([-3.0])}, "with numbers that it cannot have"),
        ("combat", {"patients": np.array([0.0])}, "with numbers that it cannot have"),
        ("combat", {"squares": np.array([-1.0])}, "with numbers that it cannot have"),
        ("combat", {"mean": np.array([1e300])}, "with numbers that it cannot have"),
        ("combat", {"mean": np.array([np.nan])}, "expected finite numbers"),
        ("reinhard", {"sd": np.array([-0.1, 0.1, 0.1])}, "with numbers that it cannot have"),
    ],
)
def test_what_cannot_be_is_refused(name: str, sent: Statistics, says: str) -> None:
    with pytest.raises(EngineError, match=says):
        require_share(name, sent)


def of_size(*sizes: int) -> dict[str, Statistics]:
    return {f"s{place}": {"quantiles": np.zeros((1, size))} for place, size in enumerate(sizes)}


def test_one_form_is_most_sites() -> None:
    assert alike(of_size(5, 5, 6)) == {"s0", "s1"}
    assert alike(of_size(6, 5, 5)) == {"s1", "s2"}
    assert alike({**of_size(5, 5), "silent": NOTHING, "mute": NOTHING, "still": NOTHING}) == {"s0", "s1"}
    assert alike({"a": {"q": np.zeros(2)}, "b": {"q": np.zeros(2)}, "c": {"p": np.zeros(2)}}) == {"a", "b"}


def test_of_two_forms_that_are_equally_frequent_none_can_be_told_to_be_right() -> None:
    assert alike(of_size(5, 6)) == set()
    assert alike(of_size(5, 5, 6, 6)) == set()
    assert alike(of_size(5)) == {"s0"}
    assert alike({}) == set()
