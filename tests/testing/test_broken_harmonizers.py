"""Every contract of a harmonizer can fail, and says what is wrong; a sound harmonizer of a few lines keeps them all."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from shiftscope.errors import UsageError
from shiftscope.harmonizers import HARMONIZERS, NOTHING, Exchange, Harmonizer, Statistics
from shiftscope.harmonizers.averages import over_patients
from shiftscope.testing import check_harmonizer
from shiftscope.testing.harmonizer_checks import HARMONIZER_CONTRACTS


def moments(case: np.ndarray) -> np.ndarray:
    """(2, c): mean and deviation over the foreground."""
    values = np.moveaxis(case, 1, 0)[:, (case != 0).any(axis=1)].astype(np.float64)
    return np.stack([values.mean(axis=1), values.std(axis=1)])


def share(patients: Any, _own: Statistics, _reference: Statistics) -> Statistics:
    found = over_patients(patients, moments)
    return {} if found is None else {"moments": found}


def combine(shares: Sequence[Statistics], _reference: Statistics) -> Statistics:
    return {"moments": np.mean([one["moments"] for one in shares], axis=0)}


def apply(case: np.ndarray, own: Statistics, reference: Statistics) -> np.ndarray:
    """One affine map per site."""
    if not own or not reference:
        return case
    (mean, sd), (wanted, spread) = own["moments"][:, :, None, None], reference["moments"][:, :, None, None]
    mapped = (case - mean) * (spread / np.maximum(sd, 1e-6)) + wanted
    return np.where((case != 0).any(axis=1, keepdims=True), np.clip(mapped, 1e-3, 1), 0).astype(np.float32)


SOUND = Harmonizer("each site's mean and deviation to the federation's", apply, (Exchange(share, combine),))


def changed(share: Any = share, combine: Any = combine, **fields: Any) -> Harmonizer:
    return replace(SOUND, exchanges=(Exchange(share, combine),), **fields)


def then(change: Callable[[np.ndarray], np.ndarray]) -> Harmonizer:
    """The sound one, and something done to its result."""

    def mapped(case: np.ndarray, own: Statistics, reference: Statistics) -> np.ndarray:
        return change(apply(case, own, reference))

    return replace(SOUND, apply=mapped)


def in_place(case: np.ndarray, _own: Statistics, _reference: Statistics) -> np.ndarray:
    return np.clip(case, 0.1, 0.9, out=case)


def unchanged(case: np.ndarray, _own: Statistics, _reference: Statistics) -> np.ndarray:
    return case


def brighter(case: np.ndarray, _own: Statistics, reference: Statistics) -> np.ndarray:
    return np.clip(case + 0.1, 0, 1) if reference else case


def own_dice(batch: np.ndarray, _own: Statistics, _reference: Statistics, _rng: np.random.Generator) -> np.ndarray:
    return np.clip(batch + np.random.default_rng().normal(0, 0.1, batch.shape), 0, 1).astype(np.float32)


def with_mask(case: np.ndarray, own: Statistics, reference: Statistics, _mask: Any = None) -> np.ndarray:
    return apply(case, own, reference)


def written_back(case: np.ndarray, own: Statistics, reference: Statistics) -> np.ndarray:
    if reference:
        reference["moments"][0] += 1e-3
    return apply(case, own, reference)


def noisy(case: np.ndarray, own: Statistics, reference: Statistics) -> np.ndarray:
    return np.clip(apply(case, own, reference) + np.random.default_rng().normal(0, 0.01, case.shape), 0, 1).astype("f4")


def odd_is_undefined(case: np.ndarray, own: Statistics, reference: Statistics) -> np.ndarray:
    with np.errstate(invalid="ignore"):
        return np.clip(apply(case, own, reference) * (case.max() / case.max()), 0, 1).astype(np.float32)


def speckled(case: np.ndarray, own: Statistics, reference: Statistics) -> np.ndarray:
    """The same noise on every case: brightness stays, lesions drown."""
    if not reference:
        return case
    noise = np.random.default_rng(0).normal(0, 0.15, case.shape[2:])
    return np.clip(apply(case, own, reference) + noise, 0.001, 1).astype(np.float32)


def first_patient(patients: Any, own: Statistics, reference: Statistics) -> Statistics:
    return share(list(patients)[:1], own, reference)


def beside(found: Statistics, name: str, array: np.ndarray) -> Statistics:
    return {**found, name: array} if found else {}


def brightest_patient(patients: Any, own: Statistics, reference: Statistics) -> Statistics:
    return share([max(patients, key=lambda cases: cases[0].mean())], own, reference)


def brightest_pixels(patients: Any, own: Statistics, reference: Statistics) -> Statistics:
    """Beside the moments values of the brightest case, chosen by how many patients there are."""
    brightest = max((case for cases in patients for case in cases), key=np.mean)
    return beside(
        share(patients, own, reference),
        "top",
        np.sort(brightest.ravel())[-2000 - len(list(patients)) :: 120][:16].astype(float),
    )


def both(shares: Sequence[Statistics], _reference: Statistics) -> Statistics:
    return {name: np.mean([one[name] for one in shares], axis=0) for name in shares[0]}


def a_row_each(patients: Any, own: Statistics, reference: Statistics) -> Statistics:
    means = np.sort([float(cases[0].mean()) for cases in patients])
    return beside(share(patients, own, reference), "means", means if len(means) > 30 else np.zeros(3))


def too_much(patients: Any, own: Statistics, reference: Statistics) -> Statistics:
    return beside(share(patients, own, reference), "more", np.zeros((40, 50)))


def single_precision(patients: Any, own: Statistics, reference: Statistics) -> Statistics:
    return {name: array.astype(np.float32) for name, array in share(patients, own, reference).items()}


def counting_black(patients: Any, _own: Statistics, _reference: Statistics) -> Statistics:
    def describe(case: np.ndarray) -> np.ndarray:
        return np.stack([case.mean(axis=(0, 2, 3), dtype=np.float64), case.std(axis=(0, 2, 3), dtype=np.float64)])

    return {"moments": np.mean([np.mean([describe(case) for case in cases], axis=0) for cases in patients], axis=0)}


def only_before_the_reference(patients: Any, own: Statistics, reference: Statistics) -> Statistics:
    return share(patients, own, NOTHING) if "moments" not in reference else {}


def bright_sites_say_more(patients: Any, own: Statistics, reference: Statistics) -> Statistics:
    found = share(patients, own, reference)
    return beside(found, "bright", np.ones(1)) if found and found["moments"][0, 0] > 0.5 else found


def silence(_patients: Any, _own: Statistics, _reference: Statistics) -> Statistics:
    return NOTHING


def writing_to_shares(shares: Sequence[Statistics], reference: Statistics) -> Statistics:
    shares[0]["moments"][0] += 1e-3
    return combine(shares, reference)


FEW = {"forms": ("grey",), "law": "identity"}

BROKEN: list[tuple[str, str, Harmonizer, dict[str, Any]]] = [
    ("takes no mask and no label", "`apply` with 4 positional", replace(SOUND, apply=with_mask), FEW),
    ("says in a sentence what it does", "got 'Short.'", replace(SOUND, summary="Short."), FEW),
    (
        "keeps shape, type and range, and writes to nothing it is given",
        "got float64 of shape",
        then(lambda result: result.astype(float)),
        FEW,
    ),
    (
        "keeps shape, type and range, and writes to nothing it is given",
        "expected float32 of shape (1, 1, 48, 48)",
        then(lambda result: result[..., 1:]),
        FEW,
    ),
    (
        "keeps shape, type and range, and writes to nothing it is given",
        "not finite",
        then(lambda result: result + np.float32(np.nan)),
        FEW,
    ),
    (
        "keeps shape, type and range, and writes to nothing it is given",
        "expected values from 0 to 1; clip",
        then(lambda result: result * np.float32(2)),
        FEW,
    ),
    (
        "keeps shape, type and range, and writes to nothing it is given",
        "read-only",
        replace(SOUND, apply=in_place),
        FEW,
    ),
    (
        "keeps shape, type and range, and writes to nothing it is given",
        "other statistics after cases were mapped",
        replace(SOUND, apply=written_back),
        FEW,
    ),
    ("gives the same result for the same case", "two results", replace(SOUND, apply=noisy), FEW),
    ("is defined for odd images", "not finite", replace(SOUND, apply=odd_is_undefined), FEW),
    ("acts on a site of another scanner", "change of 0", replace(SOUND, apply=unchanged), FEW),
    (
        "acts on a site of another scanner",
        "two results from one state",
        replace(SOUND, apply=unchanged, mix=own_dice),
        FEW,
    ),
    ("does not depend on the order of patients or sites", "another reference", changed(first_patient), FEW),
    (
        "sends little, of one shape whatever the number of cases",
        "no axis as long as there are patients",
        changed(a_row_each),
        {**FEW},
    ),
    ("sends little, of one shape whatever the number of cases", "not float64", changed(single_precision), FEW),
    (
        "sends little, of one shape whatever the number of cases",
        "8192 at most",
        changed(too_much, both),
        FEW,
    ),
    ("sends nothing of a single patient", "what one of them alone would give", changed(brightest_patient), FEW),
    ("sends nothing of a single patient", "values of a single case in 'top'", changed(brightest_pixels, both), FEW),
    (
        "counts only patients from whom it can learn",
        "got True for a case",
        replace(SOUND, contributes=lambda _: True),
        FEW,
    ),
    ("counts only patients from whom it can learn", "another share once", changed(counting_black), FEW),
    (
        "sends little, of one shape whatever the number of cases",
        "the same names and shapes from every site",
        changed(bright_sites_say_more),
        FEW,
    ),
    (
        "builds every exchange on the ones before",
        "and at least one",
        replace(SOUND, exchanges=(Exchange(share, combine), Exchange(silence, combine))),
        FEW,
    ),
    (
        "builds every exchange on the ones before",
        "['moments'] again",
        replace(SOUND, exchanges=(Exchange(share, combine), Exchange(share, combine))),
        FEW,
    ),
    ("builds every exchange on the ones before", "`combine` wrote to", changed(combine=writing_to_shares), FEW),
    (
        "builds every exchange on the ones before",
        "from the finished reference than exchange by exchange",
        changed(only_before_the_reference),
        FEW,
    ),
    (
        "obeys the law that is claimed",
        "although all sites are alike",
        HARMONIZERS["zscore"],
        {"forms": ("grey",), "law": "identity"},
    ),
    (
        "obeys the law that is claimed",
        "the second time, expected less",
        SOUND,
        {"forms": ("grey",), "law": "idempotent"},
    ),
    ("obeys the law that is claimed", "which is none", HARMONIZERS["zscore"], {"forms": ("grey",), "tolerance": 0.02}),
    ("maps a site that joins later", "less than half", replace(SOUND, apply=brighter), {"forms": ("grey",)}),
    (
        "changes nothing without a reference",
        "a changed case",
        replace(SOUND, apply=lambda case, own, reference: apply(case, own, reference) if own else 1 - case),
        FEW,
    ),
    (
        "leaves the classes that it may not see",
        "that are lost",
        HARMONIZERS["zscore"],
        {"forms": ("grey",), "law": "idempotent", "tolerance": 0.02},
    ),
    ("leaves the classes that it may not see", "that are still there", SOUND, {**FEW, "erases": ("classes",)}),
    ("leaves the lesions that it may not see", "that are lost", replace(SOUND, apply=speckled), {"forms": ("grey",)}),
]


def test_a_sound_harmonizer_passes() -> None:
    """On every kind of image: the one of CONTRIBUTING does."""
    check_harmonizer(SOUND, law="identity", forms=("grey",))


@pytest.mark.parametrize(
    ("claims", "said"),
    [
        ({"law": "idempotence"}, "law: got 'idempotence', expected one of identity, idempotent"),
        ({"forms": ("gray",)}, "forms: got 'gray', expected one of grey, colour, volume"),
        ({"erases": ("class",)}, "erases: got 'class', expected one of classes, lesions"),
    ],
)
def test_a_misspelt_claim_is_refused(claims: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        check_harmonizer(SOUND, **claims)


@pytest.mark.parametrize(("contract", "said", "harmonizer", "claims"), BROKEN)
def test_a_broken_harmonizer_is_reported(
    contract: str, said: str, harmonizer: Harmonizer, claims: dict[str, Any]
) -> None:
    with pytest.raises(AssertionError) as broken:
        check_harmonizer(harmonizer, name="mine", **claims)
    message = str(broken.value)
    assert message.startswith("mine, on planted sites of kind 'grey', breaks the contract ")
    assert f"'{contract}': got " in message
    assert said in message
    assert "\n" not in message


def test_every_contract_is_broken_by_somebody() -> None:
    assert {contract for contract, *_ in BROKEN} == HARMONIZER_CONTRACTS.keys()
