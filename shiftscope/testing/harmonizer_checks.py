"""One contract suite for every harmonizer: a member of `HARMONIZERS`, or one of your own."""

from collections.abc import Callable, Collection, Sequence
from typing import get_args

import numpy as np

from shiftscope.errors import UsageError
from shiftscope.harmonizers import Harmonizer
from shiftscope.testing.harmonizer_contracts.harmonizer_candidates import HarmonizerCandidate, Law
from shiftscope.testing.harmonizer_contracts.harmonizer_laws import LAWS
from shiftscope.testing.harmonizer_contracts.harmonizer_maps import MAPS
from shiftscope.testing.harmonizer_contracts.harmonizer_shares import SHARES
from shiftscope.testing.harmonizer_contracts.planted_signals import ERASABLE, SIGNALS
from shiftscope.testing.harmonizer_contracts.planted_sites import FORMS
from shiftscope.testing.requirements import check_all

__all__ = ["HARMONIZER_CONTRACTS", "check_harmonizer"]

HARMONIZER_CONTRACTS: dict[str, Callable[[HarmonizerCandidate], None]] = {**MAPS, **SHARES, **LAWS, **SIGNALS}
"""What has to hold for every harmonizer -> what verifies it."""


def check_harmonizer(
    harmonizer: Harmonizer,
    *,
    name: str = "the harmonizer",
    forms: Sequence[str] | None = None,
    law: Law | None = None,
    tolerance: float = 0.003,
    silent: np.ndarray | None = None,
    erases: Collection[str] = (),
) -> None:
    """Hold a harmonizer against every contract, on planted sites of each kind that it works on.

    Takes a second, and ten for a slow one. A claim that is not true is a broken contract too, so that what is written
    here can be believed.

    Args:
        harmonizer: what is checked.
        name: how messages call it.
        forms: kinds of planted sites, "grey", "colour" and "volume" for pixels, "slides" for colour, "features",
            "geometry"; all that the harmonizer works on by default.
        law: "identity" where it changes nothing once all sites are alike, "idempotent" where it changes a harmonized
            case no more, None where neither holds.
        tolerance: mean absolute change that the law forgives, in grey values from 0 to 1 (features: in their own unit).
        silent: a case from which nothing can be learned, where one of zeros is none.
        erases: "classes" and "lesions", where it is known to take away what a model has to learn.

    Raises:
        AssertionError: a contract is broken; says which, what was got, what was expected, and what to do.
        UsageError: no such law, kind of sites or signal.
    """
    _require_known("law", [] if law is None else [law], get_args(Law))
    _require_known("forms", forms or (), FORMS[harmonizer.on])
    _require_known("erases", erases, ERASABLE)
    for form in FORMS[harmonizer.on] if forms is None else forms:
        candidate = HarmonizerCandidate(harmonizer, form, law, tolerance, silent, frozenset(erases))
        check_all(HARMONIZER_CONTRACTS, candidate, f"{name}, on planted sites of kind '{form}',")


def _require_known(option: str, given: Collection[str], known: Collection[str]) -> None:
    """See that a misspelt claim is not taken for none."""
    for name in given:
        if name not in known:
            raise UsageError(f"{option}: got {name!r}, expected one of {', '.join(known)}")
