"""Contract of what a harmonizer leaves: classes and lesions that were planted are still there after it."""

from collections.abc import Callable, Sequence

import numpy as np

from shiftscope.harmonizers import fit
from shiftscope.harmonizers.coarse_features import case_features
from shiftscope.harmonizers.leakage import (
    MARGIN_CONTRAST,
    MARGIN_SEPARABILITY,
    Drop,
    contrast,
    contrast_drop,
    separability_drop,
)
from shiftscope.phantoms import Hospital, draw_hospital
from shiftscope.testing.harmonizer_contracts.harmonizer_candidates import HarmonizerCandidate
from shiftscope.testing.harmonizer_contracts.planted_sites import PALE, Sites, as_case
from shiftscope.testing.harmonizer_contracts.stained_tiles import EOSIN_RICH, RUIFROK, tile, tissue
from shiftscope.testing.requirements import require

__all__ = ["ERASABLE", "SIGNALS"]

ERASABLE = ("classes", "lesions")
"""What a harmonizer can take away, and can say that it does."""

_CASES = 40
_SIZE = 48


def keeps_classes(candidate: HarmonizerCandidate) -> None:
    """Classes that differ in brightness, in how strongly they are stained or in a few features stay apart."""
    if candidate.form not in _CLASSES:
        return
    sites, labels = _CLASSES[candidate.form]()
    cases = [patient[0] for patient in sites["here"]]
    before, after = (
        np.array([_described(case) for case in some]) for some in (cases, _mapped(candidate, sites, "here", cases))
    )
    _require(candidate, "classes", [separability_drop(before, after, labels)], MARGIN_SEPARABILITY)


def keeps_lesions(candidate: HarmonizerCandidate) -> None:
    """Lesions stand out from what surrounds them, at a site like the others and at one of another scanner."""
    if candidate.form != "grey":
        return
    drawn = {
        site: draw_hospital("ultrasound", Hospital(12, plants=plants), np.random.default_rng([11, number]), size=_SIZE)
        for number, (site, plants) in enumerate({"here": (), "near": (), "far": PALE}.items())
    }
    sites: Sites = {site: [[as_case(phantom)] for phantom in phantoms] for site, phantoms in drawn.items()}
    drops = []
    for site in ("here", "far"):
        masks = [phantom.mask[None] for phantom in drawn[site]]
        cases = [patient[0] for patient in sites[site]]
        before, after = (
            [contrast(case, mask) for case, mask in zip(some, masks, strict=True)]
            for some in (cases, _mapped(candidate, sites, site, cases))
        )
        drops.append(contrast_drop(before, after))
    _require(candidate, "lesions", drops, MARGIN_CONTRAST)


SIGNALS: dict[str, Callable[[HarmonizerCandidate], None]] = {
    "leaves the classes that it may not see": keeps_classes,
    "leaves the lesions that it may not see": keeps_lesions,
}
"""Contract -> what verifies it."""


def _require(candidate: HarmonizerCandidate, signal: str, drops: Sequence[Drop | None], margin: float) -> None:
    """See that a signal is lost where the author says so, and nowhere else."""
    found = [drop for drop in drops if drop is not None]
    worst = max(found, key=lambda drop: drop.drop)
    lost = any(drop.exceeds(margin) for drop in found)
    figure = f"{worst.before:.2f} before and {worst.after:.2f} after, a loss of {worst.drop:.2f}"
    if signal in candidate.erases:
        require(
            lost,
            got=f"planted {signal} that are still there ({figure})",
            expected="a loss, as is claimed",
            advice=f"leave {signal!r} out of erases=",
        )
    else:
        require(
            not lost,
            got=f"planted {signal} that are lost ({figure})",
            expected=f"a loss of {margin:g} at most",
            advice=f"map all cases of a site alike; where it cannot be helped, say erases=[{signal!r}] and document it",
        )


def _mapped(candidate: HarmonizerCandidate, sites: Sites, site: str, cases: Sequence[np.ndarray]) -> list[np.ndarray]:
    """The cases after the harmonizer was fitted on all sites."""
    owns, reference = fit(candidate.harmonizer, sites)
    return [candidate.harmonizer.apply(case, owns[site], reference) for case in cases]


def _described(case: np.ndarray) -> np.ndarray:
    """What the classes are told apart by."""
    return case if case.ndim == 1 else case_features(case)


def _pictures() -> tuple[Sites, list[str]]:
    """Noise, of which every second picture is brighter; the other site sees it through another gamma."""
    noise = np.random.default_rng(0).uniform(0.2, 0.6, (_CASES, 1, 1, _SIZE, _SIZE)).astype(np.float32)
    labels = ["bright" if number % 2 else "dark" for number in range(_CASES)]
    here = [case + np.float32(0.03 * (label == "bright")) for case, label in zip(noise, labels, strict=True)]
    return {"here": [[case] for case in here], "there": [[case**2] for case in here]}, labels


def _stained() -> tuple[Sites, list[str]]:
    """Tissue of which every second slide is stained more strongly; the other site has other stains."""
    rng = np.random.default_rng(1)
    labels = ["strong" if number % 2 else "weak" for number in range(_CASES)]
    strengths = [(1.15, 0.92) if label == "strong" else (1.0, 0.8) for label in labels]
    sites = {
        site: [[tile(tissue(rng, _SIZE), vectors, strength)] for strength in strengths]
        for site, vectors in {"here": RUIFROK, "there": EOSIN_RICH}.items()
    }
    return sites, labels


def _features() -> tuple[Sites, list[str]]:
    """Features of which four differ between the classes; the other site's are moved and stretched."""
    rng = np.random.default_rng(2)
    labels = ["one" if number % 2 else "other" for number in range(_CASES)]
    gap = np.where(np.arange(_CASES)[:, None] % 2, 1.0, 0.0) * (np.arange(64) < 4)
    here, there = (rng.normal(0, 1, (_CASES, 64)) + 2 * gap for _ in range(2))
    return {"here": [[case] for case in here], "there": [[2 * case + 1] for case in there]}, labels


_CLASSES: dict[str, Callable[[], tuple[Sites, list[str]]]] = {
    "grey": _pictures,
    "slides": _stained,
    "features": _features,
}
