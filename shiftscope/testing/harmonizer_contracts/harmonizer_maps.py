"""Contracts of how a harmonizer maps cases."""

import inspect
from collections.abc import Callable

import numpy as np

from shiftscope.harmonizers import Statistics, fit
from shiftscope.testing.harmonizer_contracts.harmonizer_candidates import HarmonizerCandidate, own_of
from shiftscope.testing.requirements import check_summary, require

__all__ = ["MAPS", "check_mapped", "same"]


def takes_no_mask(candidate: HarmonizerCandidate) -> None:
    """The interface has no place for a mask or a label."""
    harmonizer = candidate.harmonizer
    expected: list[tuple[str, Callable[..., object], int]] = [("apply", harmonizer.apply, 3)]
    for one in candidate.queries:
        expected += [("share", one.share, 3), ("combine", one.combine, 2)]
    if harmonizer.mix is not None:
        expected.append(("mix", harmonizer.mix, 4))
    for name, function, count in expected:
        found = _positional(function)
        require(
            found == count,
            got=f"`{name}` with {found} positional arguments",
            expected=f"{count}",
            advice="give what else it needs as a keyword with a default; masks and labels never reach a harmonizer",
        )


def says_what_it_does(candidate: HarmonizerCandidate) -> None:
    """The summary is one sentence."""
    check_summary(candidate.harmonizer.summary)


def keeps_cases(candidate: HarmonizerCandidate) -> None:
    """Shape, type and range are kept, and neither the case nor the statistics are written to."""
    for one in candidate.mapped:
        check_mapped(one.before, one.result, candidate.on_pixels)
        require(
            np.array_equal(one.case, one.before),
            got="another case than before it was mapped",
            expected="the same",
            advice="work on a copy",
        )
    owns, reference = fit(candidate.harmonizer, candidate.sites)
    require(
        all(same(owns[site], own) for site, own in candidate.fitted[0].items())
        and same(reference, candidate.fitted[1]),
        got="other statistics after cases were mapped than from the same cases anew",
        expected="the same",
        advice="read the statistics and do not write to them; draw no random numbers in an exchange",
    )


def gives_the_same_again(candidate: HarmonizerCandidate) -> None:
    """What is mapped depends on nothing but the case and the statistics."""
    for one in candidate.mapped:
        again = candidate.apply(one.case, one.site)
        require(
            np.array_equal(one.result, again),
            got=f"two results that differ by up to {np.abs(one.result - again).max():.2g}",
            expected="the same result for the same case",
            advice="draw no random numbers and keep nothing between calls",
        )


def defines_odd_images(candidate: HarmonizerCandidate) -> None:
    """Black, flat, one bright pixel, white, nearly constant, all padding but a corner."""
    if not candidate.on_pixels:
        return
    owns, reference = candidate.fitted
    shape = candidate.sites["east"][0][0].shape
    corner, speck = np.zeros(shape, np.float32), np.zeros(shape, np.float32)
    corner[..., :6, :6] = np.random.default_rng(0).uniform(0, 1, corner[..., :6, :6].shape)
    speck[..., 20, 20] = 1
    nearly = np.float32(0.5) + np.float32(1e-6) * np.random.default_rng(1).normal(size=shape).astype(np.float32)
    odd = [*(np.full(shape, level, np.float32) for level in (0, 1e-7, 0.5, 1)), speck, corner, nearly]
    for case in odd:
        for own in (*owns.values(), own_of(candidate.harmonizer, [[case]], reference)):
            check_mapped(case, candidate.harmonizer.apply(case, own, reference), in_range=True)
    together = fit(candidate.harmonizer, {**candidate.sites, "odd": [[case] for case in odd * 5]})[1]
    require(
        all(np.isfinite(array).all() for array in together.values()),
        got="a reference that is not finite once a site has such images",
        expected="finite numbers",
        advice="pass over cases without a foreground or without variation",
    )


MAPS: dict[str, Callable[[HarmonizerCandidate], None]] = {
    "takes no mask and no label": takes_no_mask,
    "says in a sentence what it does": says_what_it_does,
    "keeps shape, type and range, and writes to nothing it is given": keeps_cases,
    "gives the same result for the same case": gives_the_same_again,
    "is defined for odd images": defines_odd_images,
}
"""Contract -> what verifies it."""


def check_mapped(case: np.ndarray, result: np.ndarray, in_range: bool) -> None:
    """See that a mapped case can stand for the case.

    Args:
        in_range: whether values have to lie in [0, 1].

    Raises:
        AssertionError: another shape or type, a number that is not finite, a value out of range.
    """
    require(
        result.shape == case.shape and result.dtype == case.dtype,
        got=f"{result.dtype} of shape {result.shape}",
        expected=f"{case.dtype} of shape {case.shape}",
        advice="return an array like the one that was given",
    )
    require(
        np.isfinite(result).all(),
        got="values that are not finite",
        expected="finite ones",
        advice="look for a division by zero where a case is flat",
    )
    require(
        not in_range or 0 <= result.min() <= result.max() <= 1,
        got=f"values from {result.min():.3g} to {result.max():.3g}",
        expected="values from 0 to 1",
        advice="clip to [0, 1]",
    )


def _positional(function: Callable[..., object]) -> int:
    """How many things a caller can hand over without naming them."""
    return sum(one.kind is not one.KEYWORD_ONLY for one in inspect.signature(function).parameters.values())


def same(left: Statistics, right: Statistics) -> bool:
    """Whether both hold the same arrays to the bit."""
    return left.keys() == right.keys() and all(np.array_equal(left[name], right[name]) for name in left)
