"""Differential privacy: the noise is as large as promised, and what is published says how large."""

import math
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy import optimize, stats

from shiftscope.errors import InputError, UsageError
from shiftscope.measures.features.extractors import load_extractor
from shiftscope.profiles import Patient, Profile, SiteAccumulator, privacy
from shiftscope.profiles.parts.origins import Origin
from shiftscope.profiles.privacy import gaussian_mechanism
from shiftscope.sites import Declarations, Site

pytest.importorskip("opendp", reason="opendp is not installed; it comes with shiftscope-fl[privacy]")

DECLARED = Declarations(layout="images", depth="2-D", colour=False, has_masks=True)
SITE = Site("here", Path("here"), "images", (), "manifest", (), {}, DECLARED)
AXES = ("intensity", "intensity_outside", "texture", "layout", "morphology", "boundary")
EPSILON = 8.0


def patient(rng: np.random.Generator, label: str = "a", shift: float = 0.0) -> Patient:
    coordinates = {axis: shift + rng.normal(size=4) * [2.0, 1.5, 1.0, 0.5] for axis in AXES}
    numbers = {"snr": np.asarray(40.0), "noise": np.asarray(3.0)}
    return Patient(1, 1, label, coordinates, numbers, {"model": "secret"}, frozenset({"2-D"}), False)


def accumulated(patients: list[Patient]) -> SiteAccumulator:
    accumulator = SiteAccumulator()
    for item in patients:
        accumulator.add(item)
    return accumulator


def origin() -> Origin:
    return Origin.of(SITE, 0, load_extractor(), {"empty": 1}, cases=())


@pytest.fixture(scope="module")
def patients() -> list[Patient]:
    rng = np.random.default_rng(0)
    return [patient(rng, "benign" if index % 3 else "malignant") for index in range(400)]


def lost(epsilon: float, scale: float) -> float:
    """The delta of Gaussian noise at sensitivity 1 (Balle and Wang 2018, arXiv 1805.06530, theorem 8)."""
    half, rest = 1 / (2 * scale), epsilon * scale
    return float(stats.norm.cdf(half - rest) - math.exp(epsilon) * stats.norm.cdf(-half - rest))


@pytest.mark.parametrize("epsilon", [0.5, 1.0, 2.0, 4.0, 8.0])
def test_noise_is_as_large_as_the_exact_formula_asks_and_little_larger(epsilon: float) -> None:
    delta = privacy.DELTA / 2
    exact = optimize.brentq(lambda scale: lost(epsilon, scale) - delta, 0.1, 100)
    found = privacy.calibrated(epsilon)
    assert lost(epsilon, found) <= delta
    assert exact <= found <= 1.15 * exact


def test_no_patient_adds_more_than_the_noise_is_made_for() -> None:
    """However far out a patient is, the vector of sums moves by the promised length at most."""
    rng = np.random.default_rng(1)
    for size in (0.1, 1.0, 30.0, 1e6):
        odd = patient(rng)
        odd = Patient(1, 1, "a", {axis: size * row for axis, row in odd.coordinates.items()}, {}, {}, odd.depths, False)
        vectors = []
        for group in ([patient(np.random.default_rng(2))], [patient(np.random.default_rng(2)), odd]):
            sums = accumulated(group).clipped
            vectors.append(gaussian_mechanism.summed_vector([sums[axis] for axis in AXES], AXES, {"a": len(group)}))
        step = float(np.linalg.norm(vectors[1] - vectors[0]))
        assert step <= gaussian_mechanism.sensitivity(len(AXES)) * (1 + 1e-9)
        assert size < 30 or step == pytest.approx(gaussian_mechanism.sensitivity(len(AXES)))


def test_noise_of_a_release_is_that_of_the_mechanism() -> None:
    released = gaussian_mechanism.noised(np.zeros(20_000), 3.0)
    assert released.mean() == pytest.approx(0, abs=0.1)
    assert released.std() == pytest.approx(3.0, rel=0.03)
    assert stats.kstest(released, "norm", args=(0, 3)).pvalue > 1e-4


def proven(sigma: float, runs: int = 1500) -> float:
    """A lower bound of the epsilon that noise `sigma` keeps at one axis, by the best threshold on one far patient.

    log (tpr - delta) / fpr with Clopper-Pearson ends (Jagielski et al. 2020, arXiv 2006.07709).
    """
    rng, axes = np.random.default_rng(3), AXES[:1]
    base = [patient(rng) for _ in range(5)]
    far = Patient(1, 1, "a", {"intensity": np.full(4, 1e3)}, {}, {}, frozenset({"2-D"}), False)
    vectors = [
        gaussian_mechanism.summed_vector([accumulated(group).clipped[axis] for axis in axes], axes, {"a": len(group)})
        for group in (base, [*base, far])
    ]
    away = vectors[1] - vectors[0]
    outside, inside = (
        (gaussian_mechanism.noised(np.tile(vector, runs), sigma).reshape(runs, -1) - vectors[0]) @ away
        for vector in vectors
    )
    bounds = []
    for cut in np.quantile(inside, np.linspace(0.02, 0.9, 30)):
        hits, alarms = int(np.sum(inside > cut)), int(np.sum(outside > cut))
        low = stats.beta.ppf(0.001, hits, runs - hits + 1)
        high = stats.beta.ppf(0.999, alarms + 1, runs - alarms)
        bounds.append(math.log(max(low - privacy.DELTA, 1e-9) / high))
    return max(bounds)


def test_neighbours_are_not_told_apart_beyond_epsilon() -> None:
    """The attack stays below epsilon at the noise that is used, and does not at a sixth of it."""
    epsilon = 2.0
    sigma = privacy.calibrated(epsilon) * gaussian_mechanism.sensitivity(1)
    assert 0.1 < proven(sigma) <= epsilon
    assert proven(sigma / 6) > epsilon


def released(patients: list[Patient], epsilon: float = EPSILON) -> Profile:
    return accumulated(patients).export(origin(), epsilon)


def test_published_noise_is_the_noise(patients: list[Patient]) -> None:
    accumulator = accumulated(patients)
    truth = {axis: accumulator.clipped[axis].moments(4) for axis in AXES}
    whence = origin()
    gaps: dict[str, list[float]] = {axis: [] for axis in AXES}
    for _ in range(25):
        made = accumulator.export(whence, EPSILON)
        for axis in AXES:
            sketch, exact = made.sketches[axis], truth[axis]
            assert sketch is not None
            assert exact is not None
            assert sketch.noise is not None
            assert np.linalg.eigvalsh(sketch.moments.cov).min() > 0
            assert sketch.moments.noise == sketch.noise**2
            gaps[axis].extend((sketch.mean - exact.mean) / sketch.noise)
    for axis, found in gaps.items():
        assert np.mean(np.square(found)) == pytest.approx(1.0, abs=0.5), axis


def test_only_what_is_noisy_leaves(patients: list[Patient]) -> None:
    made = released(patients)
    assert made.privacy is not None
    assert (made.privacy.epsilon, made.privacy.delta) == (EPSILON, 1e-6)
    assert {axis for axis, sketch in made.sketches.items() if sketch is not None} == set(AXES)
    assert (made.acquisition, made.by_class, made.excluded, made.quantiles, made.spectrum) == ({}, {}, {}, None, None)
    assert made.fingerprint == "withheld"
    assert "secret" not in made.to_json()
    assert abs(made.patients - len(patients)) < 6 * made.privacy.count_noise
    assert set(made.labels) == {"benign", "malignant"}
    assert set(made.measures) >= {"log_area", "roughness"}
    assert set(made.measures).isdisjoint({"noise", "snr"})  # nothing is spent on them
    assert Profile.from_dict(made.to_dict(), "here", InputError).to_json() == made.to_json()
    assert released(patients).to_json() != made.to_json()


def exact_values(made: Profile) -> dict[str, object]:
    """All of a profile that is not a noisy number."""
    values = made.to_dict()
    for noisy in ("patients", "cases", "masks", "labelled"):
        del values[noisy]
    values["sketches"] = {axis: sketch is None for axis, sketch in values["sketches"].items()}
    values["measures"] = list(values["measures"])
    values["labels"] = list(values["labels"])
    return values


def odd_patients(rng: np.random.Generator) -> dict[str, Patient]:
    """A patient each who is unlike all others in what profiles used to publish exactly."""
    usual = patient(rng, "benign")
    without = {axis: row for axis, row in usual.coordinates.items() if axis not in ("morphology", "boundary")}
    return {
        "3-D": replace(usual, depths=frozenset({"3-D"})),
        "both depths": replace(usual, depths=frozenset({"2-D", "3-D"})),
        "colour": replace(usual, colour=True, coordinates={**usual.coordinates, "colour": rng.normal(size=4)}),
        "volume's mask": replace(usual, coordinates={**without, "morphology_3d": rng.normal(size=4)}),
        "no mask": replace(usual, masks=0, coordinates=without),
        "nothing": replace(usual, coordinates={}),
        "several classes": replace(usual, label=None, several_classes=True),
        "several images": replace(usual, cases=40),
    }


def test_one_patient_of_two_thousand_flips_nothing_that_is_published_exactly() -> None:
    """Depth, colour, layout, axes: all five were computed from the data once, and one patient gave himself away."""
    rng = np.random.default_rng(3)
    crowd = accumulated([patient(rng, "benign" if k % 3 else "malignant") for k in range(2000)])
    before = exact_values(crowd.export(origin(), EPSILON))
    for name, odd in odd_patients(rng).items():
        joined = accumulated([odd])
        joined.merge(crowd)
        assert exact_values(joined.export(origin(), EPSILON)) == before, name


@pytest.mark.parametrize("missing", ["layout", "depth", "colour", "has_masks"])
def test_what_is_published_exactly_is_declared_or_refused(missing: str) -> None:
    site = replace(SITE, declared=DECLARED.model_copy(update={missing: None}))
    with pytest.raises(UsageError, match=rf"(?s)site\.toml.*{missing} = "):
        privacy.require_declared(site)
    privacy.require_declared(SITE)


def test_an_axis_of_too_few_patients_is_not_published(patients: list[Patient]) -> None:
    """Half of them have no mask, so that the axes of masks drown in the noise and the others do not."""
    bare = ("intensity", "texture", "layout")
    unmasked = [
        replace(item, masks=0, coordinates={axis: item.coordinates[axis] for axis in bare}) for item in patients
    ]
    made = released([*unmasked, *patients[:20]])
    assert {axis for axis, sketch in made.sketches.items() if sketch is not None} == set(bare)
    assert made.masks == 0
    assert made.privacy is not None
    assert set(made.privacy.clipped) == set(bare)


def test_nobody_promises_anything_of_patients_who_are_not_told_apart() -> None:
    with pytest.raises(UsageError, match="nothing says who the patients of here are"):
        privacy.require_declared(replace(SITE, patient_source="file"))
    with pytest.raises(InputError, match="made without what --epsilon has to know"):
        accumulated([]).export(origin().model_copy(update={"patient_source": "file"}), EPSILON)


def test_names_of_small_classes_are_not_published(patients: list[Patient]) -> None:
    rare = patient(np.random.default_rng(9), "a rare disease")
    assert all("rare" not in released([*patients, rare]).to_json() for _ in range(10))


def test_too_few_patients_are_refused_with_the_number_needed(patients: list[Patient]) -> None:
    needed = privacy.patients_needed(1.0, len(AXES))
    with pytest.raises(InputError, match=rf"epsilon 1 is not meaningful .* {needed} are needed") as caught:
        released(patients[:80], 1.0)
    assert "\n" not in str(caught.value)
    assert privacy.patients_needed(8.0, 4) < privacy.patients_needed(4.0, 4) < privacy.patients_needed(4.0, 6)


def test_at_the_number_needed_noise_is_about_chance(patients: list[Patient]) -> None:
    """At sites as spread as usual ones, as the rule says."""
    sketch = released(patients).sketches["intensity"]
    assert sketch is not None
    assert sketch.noise is not None
    needed = privacy.patients_needed(EPSILON, len(AXES))
    bound = privacy.norm_of("intensity")
    usual = bound**2 * 0.15
    at_needed = 4 * (sketch.noise * sketch.n / needed) ** 2
    assert 0.5 * usual / needed < at_needed < 1.1 * usual / needed


@pytest.mark.parametrize("epsilon", [0.0, -1.0, 100.0, math.nan])
def test_odd_epsilons_are_refused(epsilon: float) -> None:
    with pytest.raises(UsageError, match="--epsilon"):
        privacy.calibrated(epsilon)


def test_without_opendp_one_clear_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "opendp.prelude", None)
    with pytest.raises(UsageError, match=r"shiftscope-fl\[privacy\]"):
        privacy.calibrated(1.0)


def test_parts_hold_the_clipped_sums(patients: list[Patient]) -> None:
    whole, left, right = accumulated(patients), accumulated(patients[:200]), accumulated(patients[200:])
    left.merge(right)
    for axis in AXES:
        one, other = whole.clipped[axis], left.clipped[axis]
        assert one.n == other.n
        np.testing.assert_allclose(one.total, other.total)  # type: ignore[arg-type]
        np.testing.assert_allclose(one.outer, other.outer)  # type: ignore[arg-type]
