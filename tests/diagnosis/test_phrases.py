"""Numbers as they stand in a sentence."""

import re

import numpy as np
import pytest

from shiftscope.diagnosis.texts.phrases import counted, names, number, others, span


@pytest.mark.parametrize(
    ("value", "text"),
    [
        *((219.0, "219"), (98.65, "99"), (36.2, "36"), (9.96, "10"), (3.0, "3.0"), (3.61, "3.6"), (0.365, "0.36")),
        *((0.0364, "0.036"), (0.0014, "0.001"), (0.0004, "0"), (0.0, "0"), (-0.0001, "0"), (-26.4, "-26")),
        *((1.0, "1.0"), (99.7, "100"), (1e6, "1000000"), (1e12, "1000000000000"), (-0.0581, "-0.058")),
    ],
)
def test_two_significant_digits(value: float, text: str) -> None:
    assert number(value) == text


def test_no_number_has_an_exponent_a_trailing_point_or_more_digits_than_it_should() -> None:
    rng = np.random.default_rng(0)
    for value in (10 ** rng.uniform(-6, 9, 2000) * rng.choice([-1, 1], 2000)).tolist():
        text = number(value)
        assert re.fullmatch(r"-?\d+(\.\d{1,3})?", text), value
        digits = text.lstrip("-0.").replace(".", "")
        assert len(digits) <= 2 or "." not in text
        assert float(text) == pytest.approx(value, rel=0.05, abs=6e-4)


def test_spans_names_and_counts() -> None:
    assert (span([31.2, 39.9]), span([3.01, 3.04])) == ("31 to 40", "3.0")
    assert names(["a", "b"]) == "'a', 'b'"
    assert names([*"abcdef"]) == "'a', 'b', 'c', 'd' and 2 more"
    assert others(["a", "b"], 2) == "all others ('a', 'b')"
    assert others([*"abcdef"], 9) == "6 of 9 others"
    assert counted((40, 25)) == "n = 25 against 40"
