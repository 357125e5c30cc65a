"""A site that was absent while a harmonizer asked its passes ends with the statistics it would have had."""

from pathlib import Path
from shutil import rmtree

import numpy as np
import pytest
from recorded_runs import Recorded, arms_for, go_on, job_for
from small_hospitals import plan_for

from shiftscope.harmonizers import HARMONIZERS, NOTHING, Statistics, combine
from shiftscope.plans import Plan
from shiftscope.training.algorithms.aggregation import Update
from shiftscope.training.arms import arm_of
from shiftscope.training.data.model_inputs import Sample, Samples
from shiftscope.training.federation.participants import Participant
from shiftscope.training.federation.site_data import SiteData
from shiftscope.training.runs.jobs import Arm, Job

LATE = "b"
SEVERAL_PASSES = ("quantile_map", "polarity", "quantile_spectrum")


def planned(hospitals: dict[str, Path], **changes: object) -> Plan:
    return plan_for(hospitals, **{"image_size": 16, **changes})


def made(hospitals: dict[str, Path], out: Path, harmonizer: str, **changes: object) -> Job:
    plan = planned(hospitals, **{"harmonizer": harmonizer, **changes})
    arms: list[Arm] = [*arms_for(plan, ["fedavg"]), arm_of(plan, "adapted", "fedavg", harmonizer)]
    return job_for(plan, hospitals, out, arms)


def of_late_site(job: Job, *, inverted: bool) -> SiteData:
    """A process that knows the late site's folder; its pictures run the other way where `inverted`."""
    site = SiteData(job, LATE)
    if inverted:
        samples = site.plain
        parts = ([_inverted(one) for one in part] for part in (samples.train, samples.val, samples.test))
        site.__dict__["_loaded"] = Samples(*parts, left_out={})
        site.__dict__["plain"] = site.__dict__["_loaded"]
    return site


def _inverted(sample: Sample) -> Sample:
    return sample.with_pixels(1 - sample.pixels)


def passes_without_it(job: Job, harmonizer: str, late: SiteData) -> Statistics:
    """The reference of the others' shares; the late site is asked each time, and its answer is lost on the way."""
    chosen, present = HARMONIZERS[harmonizer], [SiteData(job, site) for site in job.sites if site != LATE]
    reference = NOTHING
    for number in range(len(chosen.exchanges)):
        late.share(harmonizer, number, reference)
        reference = combine(chosen, number, [site.share(harmonizer, number, reference) for site in present], reference)
    return reference


@pytest.mark.parametrize("harmonizer", SEVERAL_PASSES)
@pytest.mark.parametrize("passes_missed", ["all", "all but the first"])
def test_statistics_made_late_are_those_of_the_passes(
    harmonizer: str, passes_missed: str, hospitals: dict[str, Path], tmp_path: Path
) -> None:
    job = made(hospitals, tmp_path, harmonizer)
    there = of_late_site(job, inverted=harmonizer == "polarity")
    reference = passes_without_it(job, harmonizer, there)
    harmonized = there.harmonized(harmonizer, reference)
    folder = job.home(LATE) / "harmonizers"
    last = folder / f"{harmonizer}-{len(HARMONIZERS[harmonizer].exchanges)}.safetensors"
    kept = last.read_bytes()
    for path in folder.iterdir():
        if passes_missed == "all" or path.name != f"{harmonizer}-1.safetensors" or path == last:
            path.unlink()
    back = of_late_site(job, inverted=harmonizer == "polarity")
    again = back.harmonized(harmonizer, reference)
    assert last.read_bytes() == kept
    for part in ("train", "val", "test"):
        for one, other, plain in zip(*(getattr(s, part) for s in (harmonized, again, back.plain)), strict=True):
            np.testing.assert_array_equal(one.pixels, other.pixels)
            assert (other.pixels != plain.pixels).any()


def test_an_inverted_site_that_comes_late_is_turned_all_the_same(hospitals: dict[str, Path], tmp_path: Path) -> None:
    job = made(hospitals, tmp_path, "polarity")
    late = of_late_site(job, inverted=True)
    reference = passes_without_it(job, "polarity", late)
    rmtree(job.home(LATE) / "harmonizers")
    turned = of_late_site(job, inverted=True).harmonized("polarity", reference).test[0]
    upright = SiteData(job, LATE).plain.test[0]
    assert np.corrcoef(turned.pixels.ravel(), upright.pixels.ravel())[0, 1] > 0.9


def test_a_mixing_harmonizer_knows_itself_late(hospitals: dict[str, Path], tmp_path: Path) -> None:
    job = made(hospitals, tmp_path, "mixstyle")
    late = of_late_site(job, inverted=False)
    reference = passes_without_it(job, "mixstyle", late)
    batch = np.stack([sample.pixels[0] for sample in late.plain.train[:4]]).astype(np.float32)
    mix = late.mix("mixstyle", reference)
    assert mix is not None
    before = mix(batch, np.random.default_rng(3))
    rmtree(job.home(LATE) / "harmonizers")
    mix = SiteData(job, LATE).mix("mixstyle", reference)
    assert mix is not None
    np.testing.assert_array_equal(mix(batch, np.random.default_rng(3)), before)
    assert np.abs(before - batch).mean() > 1e-3


def test_a_whole_run_scores_a_site_that_missed_a_pass(
    hospitals: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    share = Participant.share

    def silent(self: Participant, harmonizer: str, fold: int, number: int, reference: Statistics) -> Statistics:
        if (self.site, number) == (LATE, 1):
            raise OSError("share not mounted")
        return share(self, harmonizer, fold, number, reference)

    monkeypatch.setattr(Participant, "share", silent)
    run = go_on(made(hospitals, tmp_path / "run", "quantile_spectrum"))
    result = run.result
    assert {reply for entry in result.rounds for reply in entry.replies.values()} == {"ok"}
    assert result.sites[LATE].scores["adapted"][0] is not None
    assert result.sites[LATE].changed > 0.02
    assert result.difference.mean is not None
    assert any(f"site {LATE} did not share for quantile_spectrum: OSError" in note for note in result.notes)


def test_a_folder_lost_between_two_rounds_is_made_again(
    hospitals: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def finished(name: str, *, lose: bool) -> Recorded:
        job = made(hospitals, tmp_path / name, "quantile_spectrum")
        if lose:
            train = Participant.train

            def interrupted(self: Participant, arm: str, seed: int, number: int, *rest: object) -> Update:
                if (arm, number) == ("adapted", 2):
                    raise KeyboardInterrupt
                return train(self, arm, seed, number, *rest)  # type: ignore[arg-type]

            with monkeypatch.context() as patch:
                patch.setattr(Participant, "train", interrupted)
                with pytest.raises(KeyboardInterrupt):
                    go_on(job)
            rmtree(job.home(LATE) / "harmonizers")
        return go_on(job)

    whole, mended = finished("whole", lose=False), finished("mended", lose=True)
    assert mended.result.sites == whole.result.sites
    for site in whole.job.sites:
        for name, tensor in whole.final("adapted", site).items():
            np.testing.assert_array_equal(mended.final("adapted", site)[name], tensor)
