"""Who took part in one strategy and not in the other makes them another federation: they are not compared."""

from collections.abc import Mapping
from pathlib import Path

import pytest
from recorded_runs import Recorded, apart, arms_for, go_on, job_for

from shiftscope.plans import Difference
from shiftscope.training.algorithms.aggregation import Update
from shiftscope.training.evaluation.fairness import not_comparable
from shiftscope.training.federation.participants import Participant

NAMES = ("fedavg", "fedprox", "fedbn")


def run_without(missing: Mapping[str, set[int]], pair: dict[str, Path], out: Path) -> Recorded:
    """Three rounds; site b raises in these rounds of these strategies."""
    plan = apart(pair)
    job = job_for(plan, pair, out, arms_for(plan, NAMES))
    original = Participant.train

    def absent(self: Participant, arm: str, seed: int, number: int, *rest: object) -> Update:
        if self.site == "b" and number in missing.get(arm, set()):
            raise OSError("share not mounted")
        return original(self, arm, seed, number, *rest)  # type: ignore[arg-type]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Participant, "train", absent)
        return go_on(job)


def reasons(run: Recorded) -> dict[str, str]:
    return not_comparable(run.job, {(name, 0): run.checkpoint(name) for name in NAMES})


@pytest.fixture(scope="module")
def one_sided(pair: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Recorded:
    return run_without({"fedbn": {2}}, pair, tmp_path_factory.mktemp("one-sided"))


@pytest.fixture(scope="module")
def alike(pair: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Recorded:
    return run_without({name: {2} for name in NAMES}, pair, tmp_path_factory.mktemp("alike"))


def test_missing_from_one_arm_only_there_is_no_difference_and_a_note(one_sided: Recorded) -> None:
    result = one_sided.result
    said = (
        "'fedbn' is not compared with 'fedavg': with seed 0 site b missed 1 rounds of the one and 0 of the other;"
        " start anew when the site is back, for what is trained is not trained again"
    )
    assert reasons(one_sided) == {"fedbn": said}
    assert said in result.notes
    assert result.arms["fedbn"].difference == Difference()
    assert result.arms["fedbn"].verdict == "undecided"
    assert result.arms["fedbn"].harmed == ()
    for site in result.sites.values():
        assert "fedbn" not in site.differences or site.differences["fedbn"].mean is None
        assert site.scores["fedbn"][0] is not None


def test_the_others_are_compared_all_the_same(one_sided: Recorded) -> None:
    assert one_sided.result.arms["fedprox"].difference.mean is not None
    assert one_sided.result.difference.mean is not None
    assert all(site.differences["fedprox"].mean is not None for site in one_sided.result.sites.values())


def test_missing_alike_is_no_reason(alike: Recorded) -> None:
    assert reasons(alike) == {}
    assert not [note for note in alike.result.notes if "not compared" in note]
    assert any("site b missed 3 of 9 rounds" in note for note in alike.result.notes)
    for name in NAMES[1:]:
        assert alike.result.arms[name].difference.mean is not None


def test_missing_from_the_first_arm_leaves_nothing_to_compare(pair: dict[str, Path], tmp_path: Path) -> None:
    run = run_without({"fedavg": {1}}, pair, tmp_path)
    assert reasons(run).keys() == {"fedprox", "fedbn"}
    assert {arm.difference.mean for name, arm in run.result.arms.items() if name != "fedavg"} == {None}
    assert run.result.verdict == "undecided"
