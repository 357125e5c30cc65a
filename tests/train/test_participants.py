"""Harmonization at a site: fitted on training cases, applied to all, never to a mask."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from small_hospitals import plan_for

from shiftscope.train import participants
from shiftscope.train.jobs import Job
from shiftscope.train.loading import Sample, Samples
from shiftscope.train.local import Round
from shiftscope.train.participants import Participant, initial_tensors
from shiftscope.train.personalize import CONTROLS


@pytest.fixture
def job(hospitals: dict[str, Path], tmp_path: Path) -> Job:
    return Job(
        plan=plan_for(hospitals, harmonizer="quantile_map", personalizer="fedbn"),
        data={site: str(path) for site, path in hospitals.items()},
        patient_regex=None,
        out=tmp_path,
        timeout_s=1,
        device="cpu",
    )


def reference(job: Job) -> dict[str, np.ndarray]:
    shares = [Participant(job, site).describe()[1] for site in job.sites]
    return {"quantiles": np.mean([share["quantiles"] for share in shares], axis=0)}


def test_only_training_cases_are_fitted(job: Job) -> None:
    site = Participant(job, "b")
    before = site.describe()[1]["quantiles"]
    other = Participant(job, "b")
    held_out = [replace(s, pixels=np.ones_like(s.pixels)) for s in (*site.samples.val, *site.samples.test)]
    other.__dict__["samples"] = Samples(site.samples.train, held_out, held_out, {})
    np.testing.assert_array_equal(other.describe()[1]["quantiles"], before)
    changed = [replace(s, pixels=np.ones_like(s.pixels)) for s in site.samples.train]
    third = Participant(job, "b")
    third.__dict__["samples"] = Samples(changed, site.samples.val, site.samples.test, {})
    assert (third.describe()[1]["quantiles"] != before).any()


def test_a_site_describes_itself_in_aggregates(job: Job) -> None:
    facts, share = Participant(job, "a").describe()
    assert facts == {"site": "a", "patients": {"train": 12, "val": 7, "test": 5}, "left_out": {}}
    assert {name: array.shape for name, array in share.items()} == {"quantiles": (1, 199)}


def test_below_ten_training_patients_nothing_is_shared(job: Job) -> None:
    site = Participant(job, "a")
    few = Samples(site.samples.train[:9], site.samples.val, site.samples.test, {})
    site.__dict__["samples"] = few
    assert site.describe()[1] == {}
    assert site.own["quantiles"].shape == (1, 199)


def test_training_and_evaluation_see_the_same_harmonized_pixels_and_the_same_masks(
    job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    site, shown = Participant(job, "b"), reference(job)
    seen: dict[str, list[Sample]] = {}
    steps, judging = participants.run_steps, participants.judge

    def spied_steps(model: object, step: object, round_: Round) -> float:
        seen["train"] = round_.samples
        return steps(model, step, round_)  # type: ignore[arg-type]

    def spied_judge(model: object, samples: list[Sample], *rest: object) -> object:
        seen["test"] = samples
        return judging(model, samples, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(participants, "run_steps", spied_steps)
    monkeypatch.setattr(participants, "judge", spied_judge)
    weights = initial_tensors(job, CONTROLS["fedavg"], 0)
    for arm, harmonized in (("baseline", False), ("adapted", True)):
        update = site.train(arm, 0, 1, weights, shown if harmonized else {})
        assert update.cases == len(site.samples.train)
        site.evaluate(arm, 0, update.tensors, shown if harmonized else {})
        for part in ("train", "test"):
            raw = getattr(site.samples, part)
            assert len(seen[part]) == len(raw)
            for before, after in zip(raw, seen[part], strict=True):
                assert after.target is before.target
                assert (before.pixels != after.pixels).any() == harmonized
    assert site.harmonize(shown) > 0.05


def test_a_site_that_is_the_reference_is_left_as_it_is(job: Job) -> None:
    site = Participant(job, "a")
    assert site.harmonize(site.describe()[1]) == pytest.approx(0, abs=1e-5)
