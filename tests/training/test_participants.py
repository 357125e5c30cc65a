"""Harmonization at a site: fitted on training cases, applied to all, never to a mask."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from small_hospitals import plan_for

from shiftscope.harmonizers import NOTHING, Statistics
from shiftscope.training.algorithms import local_rounds
from shiftscope.training.algorithms.families import CONTROLS
from shiftscope.training.arms import arms_of
from shiftscope.training.data.model_inputs import Sample, Samples
from shiftscope.training.federation import participants
from shiftscope.training.federation.participants import Participant
from shiftscope.training.federation.starting_models import initial_tensors
from shiftscope.training.runs.jobs import Job


@pytest.fixture
def job(hospitals: dict[str, Path], tmp_path: Path) -> Job:
    plan = plan_for(hospitals, harmonizer="quantile_map", personalizer="fedbn")
    return Job(
        plan=plan,
        arms=arms_of(plan),
        data={site: str(path) for site, path in hospitals.items()},
        patient_regex=None,
        out=tmp_path,
        timeout_s=1,
        device="cpu",
    )


def shared(job: Job, site: str, samples: Samples | None = None) -> Statistics:
    """What the site sends in the map's one pass."""
    one = Participant(job, site)
    if samples is not None:
        one.site_data.__dict__["loaded"] = samples
    return one.share("quantile_map", 0, 0, NOTHING)


def reference(job: Job) -> dict[str, np.ndarray]:
    return {"quantiles": np.mean([shared(job, site)["quantiles"] for site in job.sites], axis=0)}


def test_only_training_cases_are_fitted(job: Job) -> None:
    before, samples = shared(job, "b")["quantiles"], Participant(job, "b").site_data.plain
    held_out = [replace(s, pixels=np.ones_like(s.pixels)) for s in (*samples.val, *samples.test)]
    np.testing.assert_array_equal(shared(job, "b", Samples(samples.train, held_out, held_out, {}))["quantiles"], before)
    changed = [replace(s, pixels=np.ones_like(s.pixels)) for s in samples.train]
    assert (shared(job, "b", Samples(changed, samples.val, samples.test, {}))["quantiles"] != before).any()


def test_a_site_describes_itself_in_aggregates(job: Job) -> None:
    facts = Participant(job, "a").describe()
    assert len(facts.pop("split")) == 16
    assert facts == {"site": "a", "patients": {"train": 12, "val": 7, "test": 5}, "left_out": {}}
    assert {name: array.shape for name, array in shared(job, "a").items()} == {"quantiles": (1, 199)}


def test_below_ten_training_patients_nothing_is_shared_and_all_is_harmonized(job: Job) -> None:
    site = Participant(job, "b")
    samples = site.site_data.plain
    few = Samples(samples.train[:9], samples.val, samples.test, {})
    assert shared(job, "b", few) == {}
    assert site.harmonize("quantile_map", 0, reference(job))[0] > 0.05


def test_training_and_evaluation_see_the_same_harmonized_pixels_and_the_same_masks(
    job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    site, shown = Participant(job, "b"), reference(job)
    used: dict[str, list[Sample]] = {}
    drawing, judging = local_rounds.draw, participants.judge

    def spied_draw(samples: list[Sample], *rest: object) -> object:
        used["train"] = samples
        return drawing(samples, *rest)  # type: ignore[arg-type]

    def spied_judge(model: object, samples: list[Sample], *rest: object) -> object:
        used["test"] = samples
        return judging(model, samples, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(local_rounds, "draw", spied_draw)
    monkeypatch.setattr(participants, "judge", spied_judge)
    weights = initial_tensors(job, CONTROLS["fedavg"], 0)
    for arm, harmonized in (("baseline", False), ("adapted", True)):
        update = site.train(arm, 0, 1, 0, weights, shown if harmonized else {})
        assert update.cases == len(site.site_data.plain.train)
        site.evaluate(arm, 0, 1, update.tensors, shown if harmonized else {})
        for part in ("train", "test"):
            raw = getattr(site.site_data.plain, part)
            assert len(used[part]) == len(raw)
            for before, after in zip(raw, used[part], strict=True):
                assert after.target is before.target
                assert (before.pixels != after.pixels).any() == harmonized


def test_a_site_that_is_the_reference_is_left_as_it_is(job: Job) -> None:
    site = Participant(job, "a")
    assert site.harmonize("quantile_map", 0, shared(job, "a"))[0] == pytest.approx(0, abs=1e-4)
