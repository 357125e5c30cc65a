"""What holds for every harmonizer, whatever it does; a new member is taken up as soon as it is in the table."""

import inspect
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from planted_sites import FORMS, Sites, planted

from shiftscope.harmonizers import HARMONIZERS, NOTHING, Harmonizer, Statistics, fit, share
from shiftscope.images import as_seen, canvas, mask_canvas
from shiftscope.sites import load, read_site

MEMBERS = [(name, form) for name, harmonizer in HARMONIZERS.items() for form in FORMS[harmonizer.on]]

IDENTITY = {
    "quantile_map": "a map per site: where all sites have one quantile function it is the identity",
    "polarity": "a map per site, and no site is turned where all are alike",
    "quantile_spectrum": "a map and a filter per site, both of which are ratios to the reference",
    "mixstyle": "acts while training only: what is judged is never changed",
    "combat": "one affine map per site and feature; n against n - 1 in its variance leaves half a sd / n",
    "resample": "all sites at one spacing and field already",
}
IDEMPOTENT = {
    "zscore": "per case: a standardized case is standard; only what was clipped at 3 sd moves it again",
    "match_case": "per case: its histogram already is the reference's",
    "nyul": "per case: its landmarks already are the reference's",
    "fda": "per case: its low amplitudes already are the reference's; only clipping moves it again",
    "macenko": "per case: its stains already are the reference's",
    "reinhard": "per case: its means and spreads already are the reference's; only colours out of gamut move it again",
}
NEITHER = {
    "percentile": "what falls to exactly 0 counts as padding the next time, so the percentiles move inwards",
    "clahe": "equalizing an equalized picture raises its local contrast again",
    "n4": "an iterative fit that stops early: a little of the field is found again",
}
"""Which law holds for whom, and why: every member is in one of the three."""

TOLERANCE = {"zscore": 0.02, "nyul": 0.01, "fda": 0.02, "macenko": 0.005, "reinhard": 0.01, "combat": 0.03}
"""Mean absolute change a law forgives, 0.003 elsewhere (features: in sd)."""


def flat(sites: Sites) -> list[np.ndarray]:
    return [case for patients in sites.values() for cases in patients for case in cases]


def few(sites: Sites) -> list[tuple[str, np.ndarray]]:
    """Two cases of each site."""
    return [(site, cases[0]) for site, patients in sites.items() for cases in patients[:2]]


def size_for(harmonizer: Harmonizer) -> int:
    """Patients per site: enough to share."""
    return max(12, harmonizer.min_patients)


@cache
def fitted(name: str, form: str) -> tuple[Sites, dict[str, Statistics], Statistics]:
    """The planted federation, what its sites know of themselves, the reference."""
    sites = planted(form, size_for(HARMONIZERS[name]))
    return sites, *fit(HARMONIZERS[name], sites)


def own_of(harmonizer: Harmonizer, patients: Sequence[Sequence[np.ndarray]], reference: Statistics) -> Statistics:
    """What a site that was not there learns of itself: its own images and the finished reference, pass by pass."""
    own = NOTHING
    for number in range(len(harmonizer.exchanges)):
        own = share(harmonizer, number, patients, own, reference)
    return own


def levels(cases: Sequence[np.ndarray]) -> np.ndarray:
    """What two sets of cases are compared by: their mean quantile functions, or their means where no pixels are."""
    if cases[0].ndim < 4:
        return np.mean(cases, axis=0)
    return np.mean([np.quantile(case, np.linspace(0.05, 0.95, 19), axis=(0, 2, 3)) for case in cases], axis=0)


def positional(function: Callable[..., object]) -> int:
    """How many things a caller can hand over without naming them."""
    return sum(one.kind is not one.KEYWORD_ONLY for one in inspect.signature(function).parameters.values())


def same(left: Statistics, right: Statistics) -> bool:
    return left.keys() == right.keys() and all(np.array_equal(left[name], right[name]) for name in left)


@pytest.mark.parametrize(("name", "form"), MEMBERS)
class TestEveryMember:
    def test_shape_range_and_type_are_kept_and_the_input_is_not_touched(self, name: str, form: str) -> None:
        harmonizer = HARMONIZERS[name]
        sites, owns, reference = fitted(name, form)
        frozen = {**{f"{s}/{k}": v.copy() for s, own in owns.items() for k, v in own.items()}, **reference}
        for site, case in few(sites):
            before = case.copy()
            once, again = (harmonizer.apply(case, owns[site], reference) for _ in range(2))
            np.testing.assert_array_equal(case, before)
            np.testing.assert_array_equal(once, again)
            assert once.shape == case.shape
            assert once.dtype == case.dtype
            assert np.isfinite(once).all()
            if harmonizer.on in ("pixels", "colour"):
                assert 0 <= once.min() <= once.max() <= 1
        assert all(np.array_equal(frozen[f"{s}/{k}"], v) for s, own in owns.items() for k, v in own.items())

    def test_a_site_on_another_scanner_is_changed(self, name: str, form: str) -> None:
        harmonizer = HARMONIZERS[name]
        sites, owns, reference = fitted(name, form)
        cases = [cases[0] for cases in sites["other"][:3]]
        if harmonizer.mix is not None:
            batch, rng = np.concatenate(cases), np.random.default_rng(0)
            before = batch.copy()
            mixed = harmonizer.mix(batch, owns["other"], reference, rng)
            np.testing.assert_array_equal(batch, before)
            assert mixed.shape == batch.shape
            assert mixed.dtype == np.float32
            assert 0 <= mixed.min() <= mixed.max() <= 1
            assert np.abs(mixed - batch).mean() > 0.005
            return
        changes = [np.abs(harmonizer.apply(case, owns["other"], reference) - case).mean() for case in cases]
        assert min(changes) > 0.005

    def test_the_law_it_obeys(self, name: str, form: str) -> None:
        harmonizer, limit = HARMONIZERS[name], TOLERANCE.get(name, 0.003)
        told = [name in table for table in (IDENTITY, IDEMPOTENT, NEITHER)]
        assert sum(told) == 1, f"{name}: say in one of IDENTITY, IDEMPOTENT, NEITHER what holds for it and why"
        shifted = planted(form, size_for(harmonizer))
        if name in IDENTITY:
            alike: Sites = dict.fromkeys(shifted, shifted["east"])
            owns, reference = fit(harmonizer, alike)
            for site, case in few(alike):
                assert np.abs(harmonizer.apply(case, owns[site], reference) - case).mean() < limit
        _, owns, reference = fitted(name, form)
        drift = []
        for site, case in few(shifted):
            once = harmonizer.apply(case, owns[site], reference)
            drift.append(float(np.abs(harmonizer.apply(once, owns[site], reference) - once).mean()))
        if name in IDEMPOTENT:
            assert max(drift) < limit
        if name in NEITHER:
            assert max(drift) > 0.003, "it is idempotent after all: say so in the table"

    def test_order_of_patients_and_of_sites_does_not_matter(self, name: str, form: str) -> None:
        harmonizer, sites = HARMONIZERS[name], planted(form, size_for(HARMONIZERS[name]))
        turned = {site: patients[::-1] for site, patients in reversed(sites.items())}
        there, back = fit(harmonizer, sites)[1], fit(harmonizer, turned)[1]
        assert there.keys() == back.keys()
        for key, array in there.items():
            np.testing.assert_allclose(array, back[key], rtol=1e-9, atol=1e-12)

    def test_a_site_that_joins_later_is_mapped_without_refitting(self, name: str, form: str) -> None:
        harmonizer, count = HARMONIZERS[name], size_for(HARMONIZERS[name])
        sites = planted(form, count)
        sites = {
            "east": sites["east"],
            "west": sites["west"],
            "third": planted(form, count, seed=5, shift=False)["other"],
        }
        owns, reference = fit(harmonizer, sites)
        held = {key: array.copy() for key, array in reference.items()}
        late = planted(form, 6, seed=8)["other"]  # too few to share anything, and not one of them in the reference
        own = own_of(harmonizer, late, reference)
        mapped = [harmonizer.apply(cases[0], own, reference) for cases in late]
        assert all(np.isfinite(case).all() for case in mapped)
        assert same(reference, held)
        if not harmonizer.shares or harmonizer.mix is not None:
            return
        aim = levels([harmonizer.apply(cases[0], owns[site], reference) for site in sites for cases in sites[site][:6]])
        raw = levels([cases[0] for site in sites for cases in sites[site][:6]])
        before = np.abs(levels([cases[0] for cases in late]) - raw).mean()
        assert np.abs(levels(mapped) - aim).mean() < 0.5 * before

    def test_small_sites_share_nothing_and_an_empty_reference_changes_nothing_that_needs_one(
        self, name: str, form: str
    ) -> None:
        harmonizer = HARMONIZERS[name]
        sites = planted(form, harmonizer.min_patients - 1)
        owns, reference = fit(harmonizer, sites)
        assert not reference
        for site, case in few(sites):
            result = harmonizer.apply(case, NOTHING, NOTHING)
            if harmonizer.shares:
                np.testing.assert_array_equal(result, case)
            assert set(owns[site]) == set(own_of(harmonizer, sites[site], reference))


@pytest.mark.parametrize(
    ("name", "form"), [pair for pair in MEMBERS if HARMONIZERS[pair[0]].on in ("pixels", "colour")]
)
def test_odd_cases_are_defined(name: str, form: str) -> None:
    """Black, flat, one bright pixel, white, nearly constant, all padding but a corner."""
    harmonizer = HARMONIZERS[name]
    sites, owns, reference = fitted(name, form)
    shape = flat(sites)[0].shape
    corner, speck = np.zeros(shape, np.float32), np.zeros(shape, np.float32)
    corner[..., :6, :6] = np.random.default_rng(0).uniform(0, 1, corner[..., :6, :6].shape)
    speck[..., 20, 20] = 1
    nearly = np.float32(0.5) + np.float32(1e-6) * np.random.default_rng(1).normal(size=shape).astype(np.float32)
    odd = [*(np.full(shape, level, np.float32) for level in (0, 1e-7, 0.5, 1)), speck, corner, nearly]
    for case in odd:
        for own in (*owns.values(), own_of(harmonizer, [[case]], reference)):
            result = harmonizer.apply(case, own, reference)
            assert result.shape == shape
            assert result.dtype == np.float32
            assert np.isfinite(result).all()
            assert 0 <= result.min() <= result.max() <= 1
    assert all(
        np.isfinite(v).all() for v in fit(harmonizer, {**sites, "odd": [[case] for case in odd * 5]})[1].values()
    )


@pytest.mark.parametrize(("name", "form"), [pair for pair in MEMBERS if HARMONIZERS[pair[0]].shares])
def test_what_is_sent_is_small_and_of_one_shape(name: str, form: str) -> None:
    harmonizer = HARMONIZERS[name]
    shapes = []
    for count in (37, 41):
        owns, reference = fit(harmonizer, planted(form, count, cases=2, size=64))
        for sent in owns.values():
            shapes.append({key: array.shape for key, array in sent.items()})
            sides = {side for shape in shapes[-1].values() for side in shape}
            assert not sides & {count, 2 * count, 3 * count}
            assert sum(array.nbytes for array in sent.values()) <= 8192
            assert all(array.dtype == np.float64 for array in sent.values())
        assert all(array.dtype == np.float64 and np.isfinite(array).all() for array in reference.values())
    assert all(shape == shapes[0] for shape in shapes)


def test_the_interface_has_no_place_for_a_mask_or_a_label() -> None:
    for harmonizer in HARMONIZERS.values():
        assert positional(harmonizer.apply) == 3
        assert all(positional(one.share) == 3 for one in harmonizer.exchanges)
        assert all(positional(one.combine) == 2 for one in harmonizer.exchanges)
        assert harmonizer.mix is None or positional(harmonizer.mix) == 4


@pytest.mark.parametrize("name", HARMONIZERS)
def test_a_summary_is_one_sentence(name: str) -> None:
    summary = HARMONIZERS[name].summary
    assert 20 <= len(summary) <= 140
    assert not summary.endswith(".")


@pytest.fixture(scope="module")
def real_sites(real_data: Path) -> dict[str, dict[str, list[tuple[np.ndarray, np.ndarray | None]]]]:
    """Base -> site -> 14 cases of three bases, 64 px, with their masks."""
    bases: dict[str, dict[str, list[tuple[np.ndarray, np.ndarray | None]]]] = {}
    for base, names in {
        "breast_us": ("busbra_logiq5", "busbra_logiq7", "busi"),
        "cxr_cls": ("guangzhou_pediatric", "nih_cxr14", "pakistan_tb"),
        "polyp": ("cvc_clinicdb", "kvasir_seg"),
    }.items():
        bases[base] = {}
        for name in names:
            read = [load(case) for case in read_site(real_data / base / name, name=name).cases[::2][:14]]
            cases = [(canvas(as_seen(image), 64), mask and mask.labels) for image, mask in read]
            channels = 3 if base == "polyp" else 1
            bases[base][name] = [
                (case if case.shape[1] == channels else case.mean(axis=1, keepdims=True), mask) for case, mask in cases
            ]
    return bases


@pytest.mark.real
@pytest.mark.parametrize(
    ("name", "base"),
    [
        (name, base)
        for name, harmonizer in HARMONIZERS.items()
        for base in {"pixels": ("breast_us", "cxr_cls", "polyp"), "colour": ("polyp",)}.get(harmonizer.on, ())
    ],
)
def test_real_images_keep_the_contract_and_masks_stay(
    name: str, base: str, real_sites: dict[str, dict[str, list[tuple[np.ndarray, np.ndarray | None]]]]
) -> None:
    harmonizer, drawn = HARMONIZERS[name], real_sites[base]
    sites = {site: [[pixels] for pixels, _ in cases] for site, cases in drawn.items()}
    masks = [None if mask is None else mask_canvas(mask, 64) for cases in drawn.values() for _, mask in cases]
    owns, reference = fit(harmonizer, sites)
    changes = []
    for site, case in few(sites):
        before = case.copy()
        result = harmonizer.apply(case, owns[site], reference)
        np.testing.assert_array_equal(case, before)
        assert result.shape == case.shape
        assert result.dtype == np.float32
        assert np.isfinite(result).all()
        assert 0 <= result.min() <= result.max() <= 1
        changes.append(np.abs(result - case).mean())
    after = [None if mask is None else mask_canvas(mask, 64) for cases in drawn.values() for _, mask in cases]
    assert all(a is b is None or np.array_equal(a, b) for a, b in zip(masks, after, strict=True))
    if name == "macenko":
        assert not reference, "mucosa is no haematoxylin and eosin"
        assert max(changes) == 0
    elif harmonizer.mix is None:
        assert max(changes) > 0.003
