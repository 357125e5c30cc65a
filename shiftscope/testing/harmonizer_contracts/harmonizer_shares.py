"""Contracts of what a harmonizer sends: how much, of whom, and what becomes of it."""

from collections.abc import Callable

import numpy as np

from shiftscope.harmonizers import NOTHING, fit
from shiftscope.testing.harmonizer_contracts.harmonizer_candidates import AnsweredExchange, HarmonizerCandidate, own_of
from shiftscope.testing.harmonizer_contracts.harmonizer_maps import same
from shiftscope.testing.harmonizer_contracts.planted_sites import planted
from shiftscope.testing.requirements import is_made_of, require

__all__ = ["SHARES"]

MOST_BYTES = 8192
"""All that a site may send: less than one image of 64 pixels a side."""


def does_not_depend_on_order(candidate: HarmonizerCandidate) -> None:
    """Patients and sites in another order give the same reference, but for rounding."""
    turned = {site: patients[::-1] for site, patients in reversed(candidate.sites.items())}
    there, back = candidate.fitted[1], fit(candidate.harmonizer, turned)[1]
    require(
        there.keys() == back.keys()
        and all(
            there[name].shape == back[name].shape and np.allclose(there[name], back[name], rtol=1e-9, atol=1e-12)
            for name in there
        ),
        got="another reference once patients and sites come in another order",
        expected="the same to nine digits",
        advice="average over patients and over sites; draw none of them and weigh none by its place",
    )


def sends_little(candidate: HarmonizerCandidate) -> None:
    """Small float64 arrays whose shapes say nothing of how many patients, cases or slices there are."""
    shapes = []
    for count in (37, 41):
        owns, reference = fit(candidate.harmonizer, planted(candidate.form, count, cases=2, size=64))
        for sent in owns.values():
            shapes.append({name: array.shape for name, array in sent.items()})
            lengths = {length for shape in shapes[-1].values() for length in shape}
            require(
                not lengths & {count, 2 * count, 3 * count},
                got=f"shapes {shapes[-1]} from {count} patients of two cases each",
                expected="no axis as long as there are patients, cases or slices",
                advice="send averages over patients",
            )
            size = sum(array.nbytes for array in sent.values())
            require(
                size <= MOST_BYTES,
                got=f"{size} bytes from a site",
                expected=f"{MOST_BYTES} at most",
                advice="send fewer levels, cells or frequencies",
            )
        require(
            all(
                array.dtype == np.float64 for statistics in (*owns.values(), reference) for array in statistics.values()
            )
            and all(np.isfinite(array).all() for array in reference.values()),
            got="statistics that are not float64 or not finite",
            expected="finite float64 arrays",
            advice="compute shares and references with numpy in float64",
        )
    require(
        all(shape == shapes[0] for shape in shapes),
        got=f"the shapes {shapes[0]} and others",
        expected="the same names and shapes from every site, however many patients it has",
        advice="send arrays whose shape is fixed",
    )


def sends_no_single_patient(candidate: HarmonizerCandidate) -> None:
    """Nothing that is sent is made of one case's values or is what one patient alone would have sent."""
    patients = candidate.sites["other"]
    for number, exchange in enumerate(candidate.exchanges):
        sent, known = exchange.sent["other"], exchange.known["other"]
        alone = [candidate.queries[number].share([cases], known, exchange.reference) for cases in patients]
        for name, array in sent.items():
            singles = [one[name] for one in alone if name in one and one[name].shape == array.shape]
            whole_numbers = bool(np.array_equal(array, np.rint(array)))  # a count or a mark may agree by chance
            varies = len(singles) > 1 and bool(np.ptp(singles, axis=0).any())
            require(
                whole_numbers or not varies or not any(np.allclose(one, array, rtol=1e-9, atol=0) for one in singles),
                got=f"'{name}' of {len(patients)} patients, equal to what one of them alone would give",
                expected="aggregates of all patients",
                advice="send means over patients, never a first, a largest or a smallest one",
            )
            require(
                not any(is_made_of(array, case) for cases in patients for case in cases),
                got=f"values of a single case in '{name}'",
                expected="aggregates of all patients",
                advice="send means over patients, never a case or a part of one",
            )


def counts_who_is_informative(candidate: HarmonizerCandidate) -> None:
    """A case from which nothing can be learned is not counted, and changes nothing that is sent."""
    if not candidate.queries:
        return
    case = candidate.sites["east"][0][0]
    silent = candidate.silent if candidate.silent is not None else _silent(candidate, case)
    for one, expected in ((case, True), (silent, False)):
        require(
            candidate.is_informative(one) == expected,
            got=f"{not expected} for {'an ordinary case' if expected else 'a case from which nothing can be learned'}",
            expected=str(expected),
            advice="let the harmonizer count patients by whether `share` can use their cases; such a case can be given"
            " as silent=",
        )
    if candidate.harmonizer.on == "features":  # zeros are features like others
        return
    learn = candidate.queries[0].share
    alone, beside = (learn(patients, NOTHING, NOTHING) for patients in ([[case]], [[case], [silent]]))
    require(
        bool(alone) and alone.keys() == beside.keys() and all(np.allclose(beside[key], alone[key]) for key in alone),
        got="another share once a patient is there from whom nothing can be learned",
        expected="the same",
        advice="pass over the cases that the harmonizer does not count",
    )


def builds_exchange_upon_exchange(candidate: HarmonizerCandidate) -> None:
    """An exchange adds names, the same at all sites, and needs of others no more than what they send in it."""
    taken: set[str] = set()
    for exchange in candidate.exchanges:
        sent = exchange.sent
        names = {site: set(share) for site, share in sent.items()}
        require(
            len({frozenset(one) for one in names.values()}) == 1 and all(names.values()),
            got=f"{ {site: sorted(one) for site, one in names.items()} }",
            expected="the same names from every site, and at least one",
            advice="let `share` give the same names at every site that has enough patients",
        )
        fresh = next(iter(names.values()))
        require(
            not fresh & taken,
            got=f"{sorted(fresh & taken)} again",
            expected="names that no earlier exchange has sent",
            advice="give what an exchange finds a name of its own",
        )
        taken |= fresh
        _require_combined(candidate, exchange)
    owns, reference = candidate.fitted
    for site, patients in candidate.sites.items():
        own = own_of(candidate.harmonizer, patients, reference)
        require(
            own.keys() == owns[site].keys() and all(np.allclose(own[key], owns[site][key]) for key in own),
            got=f"other statistics at site {site} from the finished reference than exchange by exchange",
            expected="the same",
            advice="read of the reference only what earlier passes left there, so that a later site can use it",
        )


def _require_combined(candidate: HarmonizerCandidate, exchange: AnsweredExchange) -> None:
    """A reference is made of shares, whoever is silent, and the shares are not written to."""
    number = candidate.exchanges.index(exchange)
    shares = [exchange.sent[site] for site in sorted(exchange.sent)]
    before = [{name: array.copy() for name, array in share.items()} for share in shares]
    found = candidate.queries[number].combine(shares, exchange.reference)
    require(
        all(same(one, other) for one, other in zip(before, shares, strict=True)),
        got="shares that `combine` wrote to",
        expected="the shares as they were",
        advice="make new arrays in `combine`",
    )
    require(
        bool(found) and not found.keys() & exchange.reference.keys(),
        got=f"{sorted(found)} where {sorted(exchange.reference)} was agreed on before",
        expected="names of its own in each exchange",
        advice="return from `combine` only what this exchange adds",
    )
    final = candidate.fitted[1]
    require(
        all(name in final and np.array_equal(final[name], array) for name, array in found.items()),
        got="a reference from what was sent in the exchange that differs from that of all a site knows",
        expected="the same",
        advice="combine what this exchange sends: in a job, what a site sent before is not sent again",
    )


SHARES: dict[str, Callable[[HarmonizerCandidate], None]] = {
    "does not depend on the order of patients or sites": does_not_depend_on_order,
    "sends little, of one shape whatever the number of cases": sends_little,
    "sends nothing of a single patient": sends_no_single_patient,
    "counts only patients from whom it can learn": counts_who_is_informative,
    "builds every exchange on the ones before": builds_exchange_upon_exchange,
}
"""Contract -> what verifies it."""


def _silent(candidate: HarmonizerCandidate, case: np.ndarray) -> np.ndarray:
    """Zeros; a geometry of which nothing is known."""
    if candidate.harmonizer.on == "geometry":
        return np.stack([np.full(3, np.nan), case[1]])
    return np.zeros_like(case)
