"""A site sends a harmonizer's statistics only if enough of its patients can contribute to them."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from small_hospitals import plan_for

from shiftscope.harmonizers import HARMONIZERS, NOTHING
from shiftscope.training.arms import arms_of
from shiftscope.training.data.model_inputs import Sample, Samples
from shiftscope.training.federation.site_data import SiteData
from shiftscope.training.runs.jobs import Job

PATIENTS = 12


def blank(sample: Sample) -> Sample:
    return sample.with_pixels(np.zeros_like(sample.pixels))


def stained(sample: Sample) -> Sample:
    """Light through haematoxylin and eosin."""
    rng = np.random.default_rng([*sample.patient.encode()])
    share, amount = rng.beta(0.25, 0.25, (32, 32)), rng.uniform(0.3, 0.9, (32, 32))
    density = np.einsum(
        "cs,syx->cyx", [[0.65, 0.07], [0.70, 0.99], [0.29, 0.11]], np.stack([share, 1 - share]) * amount
    )
    return sample.with_pixels(10.0 ** -density[None])


def spaced(spacing: float) -> Callable[[Sample], Sample]:
    return lambda sample: replace(sample, geometry=np.array([[spacing] * 3, [1, 32, 32]]))


def unchanged(sample: Sample) -> Sample:
    return sample


CASES: dict[str, tuple[Callable[[Sample], Sample], Callable[[Sample], Sample]]] = {
    "quantile_map": (unchanged, blank),
    "match_case": (unchanged, blank),
    "macenko": (stained, unchanged),
    "resample": (spaced(0.5), spaced(float("nan"))),
}


def site_of(folders: dict[str, Path], out: Path, name: str, usable: int, *, twice: bool = False) -> SiteData:
    """A site of twelve training patients, of whom the first `usable` can contribute; `twice`: a case that cannot beside
    each."""
    plan = plan_for(folders, harmonizer=name, colour=HARMONIZERS[name].on == "colour")
    data = {site: str(path) for site, path in folders.items()}
    own_data = SiteData(
        Job(plan=plan, arms=arms_of(plan), data=data, patient_regex=None, out=out, timeout_s=1, device="cpu"), "a"
    )
    found = own_data.plain
    assert len({sample.patient for sample in found.train}) == PATIENTS
    make_usable, make_unusable = CASES[name]
    train = [(make_usable if index < usable else make_unusable)(sample) for index, sample in enumerate(found.train)]
    train += [make_unusable(sample) for sample in found.train] if twice else []
    own_data.__dict__["loaded"] = Samples(
        train, *([make_usable(s) for s in part] for part in (found.val, found.test)), {}
    )
    return own_data


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("usable", [1, 9])
def test_with_fewer_nothing_is_sent_and_the_site_knows_itself_all_the_same(
    name: str, usable: int, hospitals: dict[str, Path], tmp_path: Path
) -> None:
    own_data = site_of(hospitals, tmp_path, name, usable)
    assert own_data.share(name, 0, NOTHING) == {}
    assert (
        own_data._own(name, 1).keys()
        == HARMONIZERS[name].exchanges[0].share(own_data._patients(HARMONIZERS[name]), {}, {}).keys()
    )
    assert own_data._own(name, 1)


@pytest.mark.parametrize("name", CASES)
def test_ten_usable_patients_are_enough(name: str, hospitals: dict[str, Path], tmp_path: Path) -> None:
    statistics = site_of(hospitals, tmp_path, name, 10).share(name, 0, NOTHING)
    assert statistics
    assert all(np.isfinite(array).all() for array in statistics.values())


@pytest.mark.parametrize("name", CASES)
def test_a_patient_counts_once_and_by_any_case(name: str, hospitals: dict[str, Path], tmp_path: Path) -> None:
    assert site_of(hospitals, tmp_path / "ten", name, 10, twice=True).share(name, 0, NOTHING)
    assert site_of(hospitals, tmp_path / "nine", name, 9, twice=True).share(name, 0, NOTHING) == {}
