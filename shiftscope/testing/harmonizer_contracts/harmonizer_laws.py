"""Contracts of what a harmonizer does to sites: whom it changes, and whom it leaves alone."""

from collections.abc import Callable, Sequence

import numpy as np

from shiftscope.harmonizers import NOTHING, fit
from shiftscope.testing.harmonizer_contracts.harmonizer_candidates import HarmonizerCandidate, own_of
from shiftscope.testing.harmonizer_contracts.harmonizer_maps import check_mapped, same
from shiftscope.testing.harmonizer_contracts.planted_sites import Sites, planted
from shiftscope.testing.requirements import require

__all__ = ["LAWS"]

LEAST_CHANGE = 0.005
"""Mean absolute change without which a harmonizer has not acted on a site of another scanner."""


def acts_on_another_scanner(candidate: HarmonizerCandidate) -> None:
    """A site whose scanner differs is changed; where `mix` acts instead, batches are."""
    harmonizer = candidate.harmonizer
    if harmonizer.mix is None:
        third = candidate.sites["other"][2][0]
        pairs = [(one.result, one.before) for one in candidate.mapped if one.site == "other"]
        pairs.append((candidate.apply(third, "other"), third))
        change = min(float(np.abs(result - before).mean()) for result, before in pairs)
    else:
        owns, reference = candidate.fitted
        batch = np.concatenate([cases[0] for cases in candidate.sites["other"][:3]])
        before = batch.copy()
        mixed, again = (harmonizer.mix(batch, owns["other"], reference, np.random.default_rng(0)) for _ in range(2))
        check_mapped(batch, mixed, in_range=True)
        require(np.array_equal(batch, before), got="another batch", expected="the same", advice="work on a copy")
        require(
            np.array_equal(mixed, again),
            got="two results from one state of the generator",
            expected="the same result",
            advice="draw every random number from the generator that is given",
        )
        change = float(np.abs(mixed - batch).mean())
    require(
        change > LEAST_CHANGE,
        got=f"a mean change of {change:.2g} at a site of another scanner",
        expected=f"more than {LEAST_CHANGE}",
        advice="see that `apply` or `mix` uses what the passes gave",
    )


def obeys_its_law(candidate: HarmonizerCandidate) -> None:
    """It leaves alone what is alike already, or what it has mapped already, where it claims to."""
    if candidate.law == "identity":
        alike: Sites = dict.fromkeys(candidate.sites, candidate.sites["east"])
        owns, reference = fit(candidate.harmonizer, alike)
        change = max(
            float(np.abs(candidate.harmonizer.apply(case, owns[site], reference) - case).mean())
            for site in alike
            for case in (cases[0] for cases in alike[site][:2])
        )
        require(
            change < candidate.tolerance,
            got=f"a mean change of {change:.2g} although all sites are alike",
            expected=f"less than {candidate.tolerance:g}",
            advice="map a site by how it differs from the reference, or do not claim law='identity'",
        )
        return
    drift = max(float(np.abs(candidate.apply(one.result, one.site) - one.result).mean()) for one in candidate.mapped)
    if candidate.law == "idempotent":
        require(
            drift < candidate.tolerance,
            got=f"a mean change of {drift:.2g} the second time",
            expected=f"less than {candidate.tolerance:g}",
            advice="see that a harmonized case is a fixed point, or do not claim law='idempotent'",
        )
    else:
        require(
            drift > candidate.tolerance,
            got=f"a mean change of {drift:.2g} the second time, which is none",
            expected="that a harmonizer without a law changes a case again",
            advice="say law='idempotent', or law='identity' where it changes nothing once all sites are alike",
        )


def maps_who_joins_later(candidate: HarmonizerCandidate) -> None:
    """A site that was not there is mapped by the finished reference, and comes near to the others."""
    harmonizer, count = candidate.harmonizer, candidate.patients
    third = planted(candidate.form, count, seed=5, shift=False)["other"]
    sites = {"east": candidate.sites["east"], "west": candidate.sites["west"], "third": third}
    owns, reference = fit(harmonizer, sites)
    agreed = {name: array.copy() for name, array in reference.items()}
    late = planted(candidate.form, 6, seed=8)[
        "other"
    ]  # too few to share anything, and nobody of them is in the reference
    own = own_of(harmonizer, late, reference)
    mapped = [harmonizer.apply(cases[0], own, reference) for cases in late]
    require(
        all(np.isfinite(case).all() for case in mapped) and same(agreed, reference),
        got="values that are not finite, or another reference",
        expected="finite cases, and the reference as it was",
        advice="let a site be mapped by its own statistics and the finished reference",
    )
    if not candidate.queries or harmonizer.mix is not None:
        return
    aim = _levels([harmonizer.apply(cases[0], owns[site], reference) for site in sites for cases in sites[site][:6]])
    raw = _levels([cases[0] for site in sites for cases in sites[site][:6]])
    before = float(np.abs(_levels([cases[0] for cases in late]) - raw).mean())
    after = float(np.abs(_levels(mapped) - aim).mean())
    require(
        after < 0.5 * before,
        got=f"a distance of {after:.2g} from the other sites, which was {before:.2g} before",
        expected="less than half of it",
        advice="let `share` work with the finished reference as with an earlier one",
    )


def leaves_alone_without_a_reference(candidate: HarmonizerCandidate) -> None:
    """Where no site has enough patients there is no reference, and what needs one changes nothing."""
    sites = planted(candidate.form, candidate.min_patients - 1)
    owns, reference = fit(candidate.harmonizer, sites)
    require(
        not reference,
        got=f"a reference of {', '.join(reference)}",
        expected="none of sites that share nothing",
        advice="leave it to `min_patients` how many patients a share needs",
    )
    if not candidate.queries:
        return
    for site, patients in sites.items():
        for cases in patients[:2]:
            require(
                np.array_equal(candidate.harmonizer.apply(cases[0], NOTHING, NOTHING), cases[0]),
                got="a changed case without any reference",
                expected="the case as it is",
                advice="return the case where the reference is empty",
            )
        require(
            set(owns[site]) == set(own_of(candidate.harmonizer, sites[site], reference)),
            got="other statistics than a site learns of itself alone",
            expected="the same",
            advice="let `share` depend on the patients, on what is known and on the reference alone",
        )


LAWS: dict[str, Callable[[HarmonizerCandidate], None]] = {
    "acts on a site of another scanner": acts_on_another_scanner,
    "obeys the law that is claimed": obeys_its_law,
    "maps a site that joins later": maps_who_joins_later,
    "changes nothing without a reference": leaves_alone_without_a_reference,
}
"""Contract -> what verifies it."""


def _levels(cases: Sequence[np.ndarray]) -> np.ndarray:
    """What two sets of cases are compared by: their mean quantile functions, or means where there are no pixels."""
    if cases[0].ndim < 4:
        return np.asarray(np.mean(cases, axis=0))
    levels = np.linspace(0.05, 0.95, 19)
    return np.asarray(np.mean([np.quantile(case, levels, axis=(0, 2, 3)) for case in cases], axis=0))
