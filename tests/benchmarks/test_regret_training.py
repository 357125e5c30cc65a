"""Rehearsed gains beside those of whole networks."""

import csv
from pathlib import Path

import numpy as np
import pytest
import trained_gains
from made_up_outcomes import outcome
from trained_gains import TrainedGain, agreement


def gain(federation: int, strategy: str, rehearsed: float, trained: float) -> TrainedGain:
    return TrainedGain("tuned", "classification", f"f{federation}", strategy, rehearsed, trained, -1.0, 1.0)


def test_what_is_rehearsed_is_what_is_trained() -> None:
    item = outcome({"local": -0.1, "quantile_map": 0.02, "shrinkage": 0.3})
    place = item.place("shrinkage")
    renamed = tuple("lp_ft" if number == place else name for number, name in enumerate(item.strategies))
    object.__setattr__(item, "strategies", renamed)
    found = trained_gains.rehearsed_gains(item)
    assert found == pytest.approx({"local": -0.1, "quantile_map": 0.02, "lp_ft": 0.3})


def test_agreement_is_of_ranks_and_its_interval_of_federations() -> None:
    rng = np.random.default_rng(0)
    truth = rng.normal(0, 0.05, 20)
    same = [gain(number, "local", value, 3 * value + 0.01) for number, value in enumerate(truth)]
    found = agreement(same)
    assert found.correlation == pytest.approx(1)
    assert (found.low, found.high) == pytest.approx((1, 1))
    assert found.bias == pytest.approx(2 * truth.mean() + 0.01)
    noise = [gain(number, "local", value, rng.normal()) for number, value in enumerate(truth)]
    assert agreement(noise).low < 0 < agreement(noise).high
    assert agreement(noise).correlation < 0.5


def test_gains_of_one_federation_are_one_draw() -> None:
    """Ten gains of each of two federations: the interval is as wide as that of two, however many gains there are."""
    rng = np.random.default_rng(1)
    rows = [
        gain(number, f"s{place}", number + rng.normal(0, 0.1), number + rng.normal(0, 0.1))
        for number in range(2)
        for place in range(10)
    ]
    found = agreement(rows)
    assert found.correlation > 0.7
    assert found.high - found.low > 0.5


def test_rows_are_written_with_four_decimals(tmp_path: Path) -> None:
    trained_gains.write_gains([gain(0, "zscore", 0.12345, -0.2)], tmp_path / "x.csv")
    (row,) = csv.DictReader((tmp_path / "x.csv").read_text().splitlines())
    assert row["rehearsed"] == "0.1235"
    assert row["trained"] == "-0.2000"
    assert trained_gains.read_gains(tmp_path / "x.csv") == [gain(0, "zscore", 0.1235, -0.2)]
    assert trained_gains.read_gains(tmp_path / "none.csv") == []
    assert gain(0, "zscore", 0, 0).family == "harmonizer"
    assert gain(0, "local", 0, 0).family == "own model"
