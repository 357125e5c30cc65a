"""Training on real volumes: the benchmark of the spinal cord, in a minute."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "benchmarks"))

import volumes


@pytest.mark.real
@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_dice_on_the_other_end_of_the_cord_beats_the_empty_mask_and_a_net_that_learned_nothing(
    real_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ditto, at the two sites with seven of the nine training cases; the others have one thick-sliced case each."""
    monkeypatch.setattr(volumes, "STRATEGIES", {"ditto": ("ditto", None)})
    run = volumes.compare(real_data, "head", rounds=5, steps=20, seed=0)
    assert set(run["sites"]) == {"t1", "t2", "t2s", "mt"}
    for site in ("t1", "t2"):
        found = run["sites"][site]["dice"]
        assert found["empty"] == 0
        assert found["ditto"] > found["untrained"] + 0.1


@pytest.mark.parametrize("end", volumes.ENDS)
@pytest.mark.parametrize(("count", "step_mm"), [(77, 1.0), (9, 7.5), (5, 17.0)])
def test_no_slice_is_learned_from_and_judged_on(count: int, step_mm: float, end: str) -> None:
    parts = {part: set() for part in ("train", "test")}
    for part, first, last in volumes.cases(count, step_mm, end):
        assert 1 <= last - first <= volumes.SLICES
        assert not parts[part] & set(range(first, last))
        parts[part] |= set(range(first, last))
    assert parts["train"] | parts["test"] <= set(range(count))
    apart = min(abs(a - b) for a in parts["train"] for b in parts["test"]) * step_mm
    assert apart >= volumes.APART_MM
    assert (max(parts["test"]) > max(parts["train"])) == (end == "head")
