"""Every harmonizer keeps every contract; a new member is taken up as soon as it is in the table."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from shiftscope.harmonizers import HARMONIZERS, fit
from shiftscope.images import as_seen, canvas, mask_canvas
from shiftscope.sites import load, read_site
from shiftscope.testing import check_harmonizer
from shiftscope.testing.harmonizer_contracts.harmonizer_candidates import Law
from shiftscope.testing.harmonizer_contracts.harmonizer_maps import check_mapped
from shiftscope.testing.harmonizer_contracts.planted_sites import FORMS


@dataclass(frozen=True)
class Claims:
    """What sets a member apart from the others, and why it may.

    Attributes:
        why: why the law holds, or why none does.
        erases: what the planted signals lose; docs/harmonizers.md has it of real images.
    """

    law: Law | None
    why: str
    tolerance: float = 0.003
    silent: np.ndarray | None = None
    erases: tuple[str, ...] = ()


CLASSES = ("classes",)

CLAIMS: dict[str, Claims] = {
    "zscore": Claims(
        "idempotent",
        "per case: a standardized case is standard; only what was clipped at 3 sd moves it again",
        0.02,
        erases=CLASSES,
    ),
    "percentile": Claims(
        None,
        "what falls to exactly 0 counts as padding the next time, so the percentiles move inwards",
        erases=CLASSES,
    ),
    "quantile_map": Claims("identity", "a map per site: where all sites have one quantile function it is the identity"),
    "polarity": Claims("identity", "a map per site, and no site is turned where all are alike"),
    "quantile_spectrum": Claims("identity", "a map and a filter per site, both of which are ratios to the reference"),
    "match_case": Claims("idempotent", "per case: its histogram already is the reference's", erases=CLASSES),
    "nyul": Claims("idempotent", "per case: its landmarks already are the reference's", 0.01, erases=CLASSES),
    "clahe": Claims(
        None,
        "equalizing an equalized picture raises its local contrast again",
        erases=("classes", "lesions"),
    ),
    "n4": Claims(None, "an iterative fit that stops early: a little of the field is found again"),
    "fda": Claims(
        "idempotent",
        "per case: its low amplitudes already are the reference's; only clipping moves it again",
        0.02,
        erases=("classes", "lesions"),
    ),
    "mixstyle": Claims("identity", "acts while training only: what is judged is never changed"),
    "macenko": Claims(
        "idempotent",
        "per case: its stains already are the reference's",
        0.005,
        silent=np.full((1, 3, 48, 48), 0.98, np.float32),  # glass
        erases=CLASSES,
    ),
    "reinhard": Claims(
        "idempotent",
        "per case: its means and spreads already are the reference's; only colours out of gamut move it again",
        0.01,
    ),
    "combat": Claims(
        "identity",
        "one affine map per site and feature; n against n - 1 in its variance leaves half a sd / n",
        0.03,  # in sd
    ),
    "resample": Claims("identity", "all sites at one spacing and field already"),
}
"""The one table of special cases: every member says what it claims, and the contracts hold it to that."""


@pytest.mark.parametrize(
    ("name", "form"), [(name, form) for name, harmonizer in HARMONIZERS.items() for form in FORMS[harmonizer.on]]
)
def test_every_harmonizer_keeps_every_contract(name: str, form: str) -> None:
    claims = CLAIMS[name]
    check_harmonizer(
        HARMONIZERS[name],
        name=name,
        forms=(form,),
        law=claims.law,
        tolerance=claims.tolerance,
        silent=claims.silent,
        erases=claims.erases,
    )


def test_the_table_leaves_no_member_out() -> None:
    assert CLAIMS.keys() == HARMONIZERS.keys()


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
    for site, case in ((site, cases[0]) for site, patients in sites.items() for cases in patients[:2]):
        before = case.copy()
        result = harmonizer.apply(case, owns[site], reference)
        np.testing.assert_array_equal(case, before)
        assert result.dtype == np.float32
        check_mapped(case, result, in_range=True)
        changes.append(np.abs(result - case).mean())
    after = [None if mask is None else mask_canvas(mask, 64) for cases in drawn.values() for _, mask in cases]
    assert all(a is b is None or np.array_equal(a, b) for a, b in zip(masks, after, strict=True))
    if name == "macenko":
        assert not reference, "mucosa is no haematoxylin and eosin"
        assert max(changes) == 0
    elif harmonizer.mix is None:
        assert max(changes) > 0.003
