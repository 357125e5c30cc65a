"""Many sites are judged as few are: only what is listed differs, and how long it takes."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from synthetic_sites import drawn_site

from shiftscope.diagnosis import Diagnosis, diagnose, listed_pairs
from shiftscope.diagnosis.axis_verdicts import LIMITS
from shiftscope.diagnosis.judged_sites import judged_many
from shiftscope.errors import ProfileError
from shiftscope.measures.question_names import QUESTIONS
from shiftscope.profiles import Profile
from shiftscope.recommendation import Advice, advise
from shiftscope.reports.formats.markdown import to_markdown
from shiftscope.reports.sheets.advice_sheet import advice_sheet

NEAR = 1e-3  # of probabilities: ends of intervals are found to one part in a hundred thousand
ALL = 10_000  # sites


def unlike_sites(count: int, seed: int = 0) -> list[Profile]:
    """Sites of all kinds: small and large, without masks or classes, each moved a little, some far."""
    rng = np.random.default_rng(seed)
    out = []
    for index in range(count):
        moved = {
            axis: 0.25 * rng.standard_normal() for axis in ("texture", "layout", "morphology", "boundary", "noise")
        }
        if index % 5 == 0:
            moved |= {"texture": 3.0, "features_shallow": 3.0, "zscore_shallow": 1.0, "noise": 2.0, "sharpness": 2.0}
        if index % 7 == 0:
            moved |= {"morphology": 2.0, "eccentricity": 2.0, "boundary": 1.5}
        out.append(
            drawn_site(
                rng,
                f"site{index:03d}",
                n=15 if index == 8 else int(rng.integers(30, 60)),
                moved=moved,
                masks=index % 6 != 1,
                classes=index % 4 != 3,
                scanner="Odd" if index == 5 else "Usual",
            )
        )
    return out


def same(found: Any, expected: Any, where: str = "") -> None:
    """Equal, and numbers nearly."""
    assert type(found) is type(expected), where
    if isinstance(expected, dict):
        assert found.keys() == expected.keys(), where
        for key, value in expected.items():
            same(found[key], value, f"{where}.{key}")
    elif isinstance(expected, list):
        assert len(found) == len(expected), where
        for index, value in enumerate(expected):
            same(found[index], value, f"{where}[{index}]")
    elif isinstance(expected, float):
        assert found == pytest.approx(expected, rel=NEAR if where.endswith("probability") else 1e-4, abs=1e-9), where
    else:
        assert found == expected, where


def called(diagnosis: Diagnosis) -> set[tuple[str, str]]:
    return {(pair.a, pair.b) for pair in diagnosis.pairs if any(answer.called for answer in pair.axes.values())}


@pytest.fixture(scope="module")
def few_and_many() -> tuple[Advice, Advice]:
    sites = unlike_sites(36)
    return advise(sites, whole=ALL), advise(sites, whole=2)


@pytest.mark.slow
def test_a_hundred_and_twenty_sites_are_judged_alike_either_way() -> None:
    sites = unlike_sites(120, seed=1)
    agree(advise(sites, whole=ALL), advise(sites))


def test_listed_pairs_sites_and_advice_are_those_of_the_whole(few_and_many: tuple[Advice, Advice]) -> None:
    agree(*few_and_many)


def agree(whole: Advice, listed: Advice) -> None:
    """All that is listed is what the whole says, and all that is called is listed."""
    assert 0 < len(listed.diagnosis.pairs) < len(whole.diagnosis.pairs)
    assert called(listed.diagnosis) == called(whole.diagnosis)
    every = {(pair.a, pair.b): pair.model_dump(mode="json") for pair in whole.diagnosis.pairs}
    for pair in listed.diagnosis.pairs:
        same(pair.model_dump(mode="json"), every[pair.a, pair.b], f"{pair.a} {pair.b}")
    expected, found = whole.to_dict(), listed.to_dict()
    listing = found["diagnosis"].pop("listing")
    assert listing["called"] == len(called(whole.diagnosis))
    assert listing["listed"] == len(listed.diagnosis.pairs)
    evidence = [one["diagnosis"].pop("evidence") for one in (found, expected)]
    for one in (found, expected):
        one["diagnosis"].pop("pairs")
    same(found, expected)
    for question in QUESTIONS:
        for tags in (False, True):
            given, wanted = (
                [item for item in items if (item["question"], item["cause"] == "acquisition") == (question, tags)]
                for items in evidence
            )
            same(given, wanted[: listed_pairs.MOST_FINDINGS], f"evidence on {question}")


def test_the_strongest_answers_are_those_of_a_listed_pair(few_and_many: tuple[Advice, Advice]) -> None:
    _, listed = few_and_many
    for question, answer in listed.diagnosis.axes.items():
        assert answer in [pair.axes[question] for pair in listed.diagnosis.pairs]


def test_what_is_not_listed_is_said(few_and_many: tuple[Advice, Advice]) -> None:
    whole, listed = few_and_many
    assert "listing" not in whole.to_dict()["diagnosis"]
    listing = listed.diagnosis.listing
    assert listing is not None
    assert listing.pairs == 35 * 34 // 2  # one site has too few patients
    assert f"all {listing.pairs} pairs were compared" in listing.says
    assert Advice.from_dict(listed.to_dict(), "here", ProfileError) == listed
    first, everything = (to_markdown(advice_sheet(listed, verbose=verbose)) for verbose in (False, True))
    assert f"all {listing.pairs} pairs compared, {listing.listed} listed" in first
    assert listing.says in everything


def test_where_very_many_pairs_are_called_those_with_the_largest_effects_are_listed(
    monkeypatch: pytest.MonkeyPatch, few_and_many: tuple[Advice, Advice]
) -> None:
    whole, _ = few_and_many
    monkeypatch.setattr(listed_pairs, "MOST_PAIRS", 5)
    found = diagnose(unlike_sites(36), whole=2)
    assert found.listing is not None
    assert found.listing.called == len(called(whole.diagnosis))
    assert "the 5 with the largest effects" in found.listing.says
    effects = {
        (pair.a, pair.b): sum(answer.effect or 0.0 for answer in pair.axes.values() if answer.called)
        for pair in whole.diagnosis.pairs
    }
    largest = sorted(effects, key=lambda pair: -effects[pair])[:5]
    assert {*largest} <= {(pair.a, pair.b) for pair in found.pairs}
    assert 5 <= len(found.pairs) <= 5 + len(QUESTIONS)


def test_planted_sites_are_found_among_many_that_are_alike() -> None:
    """Two of sixty have another scanner, one draws otherwise: their pairs are called, and hardly any other."""
    rng = np.random.default_rng(3)
    planted = {4: {"texture": 3.0, "noise": 3.0}, 31: {"texture": -3.0, "noise": -3.0}, 50: {"boundary": 4.0}}
    sites = [drawn_site(rng, f"s{index:02d}", n=60, moved=planted.get(index), classes=False) for index in range(60)]
    found = diagnose(sites, whole=10)
    odd = {f"s{index:02d}" for index in planted}
    pairs = {
        question: {(pair.a, pair.b) for pair in found.pairs if pair.axes[question].called} for question in QUESTIONS
    }
    assert {pair for pair in pairs["appearance"] if {"s04", "s31"} & {*pair}} == {
        (min(one, other), max(one, other))
        for one in ("s04", "s31")
        for other in (site.site for site in sites)
        if one != other
    }
    assert len([pair for pair in pairs["annotation"] if "s50" in pair]) == 59
    assert all(odd & {*pair} for known in pairs.values() for pair in known)
    shifted = {
        site for site, verdict in found.by_site.items() if any(answer.called for answer in verdict.axes.values())
    }
    assert shifted == odd
    assert {item.sites[-1] for item in found.evidence if item.effect is not None and item.question == "annotation"} == {
        "s50"
    }


def test_a_site_whose_spread_changes_the_effects_of_others_is_named_among_many() -> None:
    """Its profile says that patients vary a hundred times as much on one axis."""
    rng = np.random.default_rng(4)
    sites = [drawn_site(rng, f"s{index:02d}", moved={"texture": 0.5 * (index % 2)}) for index in range(24)]
    sites[7] = widened(sites[7], 100.0)
    found, expected = (diagnose(sites, whole=whole).caveats for whole in (2, ALL))
    assert found == expected
    assert any(text.startswith("'s07' stands out") for text in found)


def widened(profile: Profile, factor: float) -> Profile:
    """With another covariance on one axis."""
    sketch = profile.sketches["texture"]
    assert sketch is not None
    wide = sketch.model_copy(update={"cov": sketch.cov * factor})
    return profile.model_copy(update={"sketches": {**profile.sketches, "texture": wide}, "by_class": {}})


def test_more_sites_than_fit_into_memory_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shiftscope.diagnosis.judged_sites.MOST_SITES", 3)
    sites = unlike_sites(4)
    with pytest.raises(ProfileError, match="got 4 profiles of enough patients, expected 3 at the most"):
        judged_many(sites, LIMITS)


@pytest.mark.parametrize("count", [0, 1])
def test_many_sites_of_which_hardly_any_has_enough_patients(count: int) -> None:
    rng = np.random.default_rng(5)
    sites: Sequence[Profile] = [
        drawn_site(rng, f"s{index}", n=40 if index < count else 15, classes=False) for index in range(4)
    ]
    found, expected = diagnose(sites, whole=2), diagnose(sites, whole=ALL)
    assert found.kind == expected.kind == "insufficient"
    assert found == expected
