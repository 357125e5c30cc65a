"""Evidence: each cause once, of the site that stands out; nothing by luck, nothing that is hidden."""

from collections.abc import Mapping
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shiftscope.diagnosis.causes.attribution import evidence_of
from shiftscope.diagnosis.causes.evidence import Evidence
from shiftscope.diagnosis.causes.measure_differences import measure_differences
from shiftscope.diagnosis.causes.outlying_sites import outlying_sites
from shiftscope.diagnosis.causes.scanners import separating_tags
from shiftscope.diagnosis.judged_pairs import Comparisons
from shiftscope.diagnosis.texts.phrases import number, span
from shiftscope.diagnosis.verdicts import QUESTIONS, AxisVerdict, Verdict
from shiftscope.measures import MEASURES
from shiftscope.measures.measure_groups import CAUSES
from shiftscope.profiles import Profile
from shiftscope.profiles.export import summary
from shiftscope.profiles.profile_document import Count
from shiftscope.profiles.sums.moment_sums import Histogram
from shiftscope.shifts import SiteStatistics, compare_two

GOLDEN = Profile.read(Path(__file__).parents[1] / "golden" / "profile-1.json")
APPEARANCE = [name for names in CAUSES["appearance"].values() for name in names if not name.endswith("_outside")]


def site(
    name: str,
    values: Mapping[str, np.ndarray],
    tags: Mapping[str, Mapping[str, Count]] | None = None,
    patients: int | None = None,
) -> Profile:
    """A profile with measures as they would be published of these patients' values."""
    measures = {}
    for measure, rows in values.items():
        histogram = Histogram(*MEASURES[measure].range)
        for value in rows:
            histogram.add(float(value))
        published = summary(measure, histogram)
        assert published is not None
        measures[measure] = published
    n = patients or max((len(rows) for rows in values.values()), default=100)
    tags = {tag: dict(counts) for tag, counts in (tags or {}).items()}
    return GOLDEN.model_copy(update={"site": name, "measures": measures, "acquisition": tags, "patients": n})


def drawn(seed: int, n: int = 100, **means: float) -> dict[str, np.ndarray]:
    """Values of `n` patients, each a tenth of its measure's range apart."""
    rng = np.random.default_rng(seed)
    spread = {name: (MEASURES[name].range[1] - MEASURES[name].range[0]) / 20 for name in means}
    return {name: rng.normal(mean, spread[name], n) for name, mean in means.items()}


def answers(**called: str) -> dict[str, AxisVerdict]:
    """Question -> axis of a called answer; all other questions answered with no shift on an axis of their own."""
    axes = {
        "appearance": "texture",
        "structure": "morphology",
        "label": None,
        "annotation": "boundary",
        "concept": None,
    }
    yes = AxisVerdict(probability=0.99, effect=1.5, low=1.0, high=2.0, p=0.001, called=True)
    no = AxisVerdict(probability=0.1, effect=0.01, low=0.0, high=0.2, p=0.5)
    return {
        question: yes.model_copy(update={"axis": called[question]})
        if question in called
        else no.model_copy(update={"axis": axes[question]})
        if axes[question]
        else AxisVerdict()
        for question in QUESTIONS
    }


def evidence(profiles: list[Profile], called: Mapping[tuple[str, str], Mapping[str, str]]) -> tuple[Evidence, ...]:
    """Evidence on sites of which some pairs were called."""
    known = {profile.site: profile for profile in profiles}
    pairs = [*combinations(sorted(known), 2)]
    return evidence_of(
        Comparisons(
            shifts={(a, b): compare_two(SiteStatistics.of(known[a]), SiteStatistics.of(known[b])) for a, b in pairs},
            verdicts={pair: Verdict(kind="none", axes=answers(**called.get(pair, {}))) for pair in pairs},
            profiles=known,
        )
    )


BY_TEXTURE = {"appearance": "texture"}


def test_one_cause_is_named_once_led_by_its_clearest_measure() -> None:
    east = site("east", drawn(0, noise=10.0, sharpness=-2.0, local_contrast=0.4, bias_field=0.5))
    west = site("west", drawn(1, noise=18.0, sharpness=-1.7, local_contrast=0.43, bias_field=0.5))
    first, *rest = evidence([east, west], {("east", "west"): BY_TEXTURE})
    assert (first.question, first.cause, first.measure) == ("appearance", "fine detail", "noise")
    assert first.sites == ("east", "west")
    assert "sharpness" in first.also
    assert first.effect == pytest.approx(8.0, abs=1.0)
    assert first.low < 8.2 < first.high or first.low < 7.8 < first.high
    assert "grey levels higher at 'west' than at 'east'" in first.says
    assert "with it sharpness (+" in first.says
    assert "n = 100 against 100" in first.says
    assert first.delta is not None
    assert first.delta > 0.9
    assert "n = 100 against 100, Cliff's delta 1.0 (large); with it" in first.says
    assert not [item for item in rest if item.question == "appearance"]


@pytest.mark.parametrize("n", [20, 40, 100])
@pytest.mark.parametrize("gap", [1.0, 2.0, 5.0])
def test_cliffs_delta_is_that_of_the_patients_though_cells_are_few(n: int, gap: float) -> None:
    """And though a site's values are narrow against the measure's range: noise here spreads by 1/800 of it."""
    rng = np.random.default_rng([n, int(10 * gap)])
    rows = [rng.normal(middle, 0.05, n) for middle in (0.5, 0.5 + 0.05 * gap)]
    found = evidence(
        [site(name, {"noise": row}) for name, row in zip("xy", rows, strict=True)], {("x", "y"): BY_TEXTURE}
    )[0]
    assert found.measure == "noise"
    assert found.delta == pytest.approx(float(np.sign(rows[1][:, None] - rows[0]).mean()), abs=0.12)


def test_only_questions_that_were_called_are_explained() -> None:
    east = site("east", drawn(0, noise=10.0, log_area=-3.0))
    west = site("west", drawn(1, noise=18.0, log_area=-2.0))
    found = evidence([east, west], {("east", "west"): {"structure": "morphology"}})
    assert [item.measure for item in found if "95 %" in item.says][:1] == ["log_area"]
    assert not any(item.measure == "noise" for item in found)
    assert "times that at 'east', 95 % [" in found[0].says
    assert found[0].says.endswith("(large): larger lesions, or a closer field of view")
    swapped = [site("east", drawn(1, log_area=-2.0)), site("west", drawn(0, log_area=-3.0))]
    assert "area at 'east' is" in evidence(swapped, {("east", "west"): {"structure": "morphology"}})[0].says
    (appearance,) = (item for item in found if item.question == "appearance")
    assert appearance.says.startswith("no shift in appearance that counts between 'east' and 'west': effect 0.010")


def test_a_family_of_measures_moves_by_luck_in_one_of_twenty_comparisons_at_most() -> None:
    middles = {name: sum(MEASURES[name].range) / 2 for name in APPEARANCE}
    found = [
        measure_differences(
            "appearance", site("a", drawn(2 * seed, 40, **middles)), site("b", drawn(2 * seed + 1, 40, **middles))
        )
        for seed in range(600)
    ]
    assert sum(map(bool, found)) <= 600 * 0.05 + 3 * (600 * 0.05 * 0.95) ** 0.5


def test_what_is_sure_but_negligible_is_not_explained() -> None:
    """With 4,000 patients a tenth of a deviation is far from luck, and still no reason for anything."""
    east = site("east", drawn(0, 4000, noise=20.0))
    west = site("west", drawn(1, 4000, noise=20.2))
    assert abs(east.measures["noise"].mean - west.measures["noise"].mean) > 0.1
    assert not measure_differences("appearance", east, west)
    found = evidence([east, west], {("east", "west"): BY_TEXTURE})
    assert found[0].measure == "texture"
    assert "no single measure stands for it" in found[0].says


def test_an_offset_that_appearance_alone_could_cause_is_not_explained() -> None:
    def habit(by: float) -> dict[str, list[str]]:
        east, west = (
            site(name, drawn(seed, 400, offset=seed * by, offset_relative=seed * by)) for seed, name in enumerate("ew")
        )
        return {
            cause: [difference.measure for difference in found]
            for cause, found in measure_differences("annotation", east, west).items()
        }

    assert habit(0.4) == {}
    assert habit(1.0) == {"contour habit": ["offset"]}


def test_brightness_is_told_without_the_lesion_where_both_can() -> None:
    east, west = (
        drawn(0, brightness=100.0, brightness_outside=100.0),
        drawn(1, brightness=60.0, brightness_outside=60.0),
    )
    assert [
        difference.measure
        for difference in measure_differences("appearance", site("e", east), site("w", west))["brightness and contrast"]
    ] == ["brightness_outside"]
    del west["brightness_outside"]
    assert [
        difference.measure
        for difference in measure_differences("appearance", site("e", east), site("w", west))["brightness and contrast"]
    ] == ["brightness"]


def test_the_site_that_stands_out_is_named_once_against_all_others() -> None:
    sites = [site(name, drawn(index, brightness=80.0)) for index, name in enumerate("abd")]
    sites.append(site("c", drawn(9, brightness=140.0)))
    found = evidence(sites, {tuple(sorted((name, "c"))): BY_TEXTURE for name in "abd"})
    bright = [item for item in found if item.measure == "brightness"]
    assert len(bright) == 1
    assert bright[0].sites == ("a", "b", "d", "c")
    assert bright[0].says.startswith("'c' against all others ('a', 'b', 'd'): brightness is ")
    assert "grey levels higher" in bright[0].says
    assert bright[0].n == (300, 100)
    gaps = [sites[3].measures["brightness"].mean - one.measures["brightness"].mean for one in sites[:3]]
    assert bright[0].effect == pytest.approx(np.mean(gaps))
    assert bright[0].low <= min(gaps) <= max(gaps) <= bright[0].high


def test_against_most_others_the_rest_is_not_named() -> None:
    means = {"a": 80.0, "b": 80.0, "c": 140.0, "d": 80.0, "e": 140.0}
    sites = [site(name, drawn(index, brightness=mean)) for index, (name, mean) in enumerate(means.items())]
    pairs = {pair: BY_TEXTURE for pair in combinations("abcde", 2) if means[pair[0]] != means[pair[1]]}
    bright = [item for item in evidence(sites, pairs) if item.measure == "brightness"]
    assert sorted(item.sites for item in bright) == [("a", "b", "d", "c"), ("a", "b", "d", "e")]
    assert all("against 'a', 'b', 'd': brightness" in item.says for item in bright)


@settings(max_examples=60, deadline=None)
@given(
    sites=st.integers(2, 9),
    seed=st.integers(0, 1000),
    present=st.floats(0.1, 1.0),
)
def test_every_pair_is_told_exactly_once(sites: int, seed: int, present: float) -> None:
    rng = np.random.default_rng(seed)
    places = rng.normal(size=sites)
    names = [f"s{index}" for index in range(sites)]
    differing: dict[tuple[str, str], dict[bool, float]] = {}
    for i, j in combinations(range(sites), 2):
        if rng.random() < present:
            gap = places[j] - places[i]
            differing[names[i], names[j]] = {bool(gap < 0): abs(gap)}
            differing[names[j], names[i]] = {bool(gap > 0): abs(gap)}
    groups = outlying_sites(differing, sites)
    pairs = [frozenset((group.site, other)) for group in groups for other in group.others]
    assert len(pairs) == len(set(pairs))
    assert set(pairs) == {frozenset(pair) for pair in differing}
    for group in groups:
        assert all(group.key in differing[group.site, other] for other in group.others)
    assert [group.weight for group in groups] == sorted((group.weight for group in groups), reverse=True)


def test_a_hundred_different_sites_are_told_in_fewer_than_a_hundred_lines() -> None:
    names = [f"s{index:02}" for index in range(100)]
    differing = {
        (one, other): {one > other: abs(names.index(one) - names.index(other))}
        for one in names
        for other in names
        if one != other
    }
    assert len(outlying_sites(differing, 100)) < 100


def test_classes_and_axes_are_told_by_the_odd_site_too() -> None:
    shares = {"a": {"x": 50, "y": 50}, "b": {"x": 50, "y": 50}, "c": {"x": 90, "y": "<10"}}
    sites = [
        site(name, {}, patients=100).model_copy(update={"labels": labels, "labelled": 100})
        for name, labels in shares.items()
    ]
    found = evidence(sites, {(name, "c"): {"label": "labels"} for name in "ab"})
    assert found[0].question == "label"
    assert found[0].sites == ("a", "b", "c")
    assert "x 90%, y <10 of 100 at 'c' against x 50%, y 50% of 100 at 'a'" in found[0].says


def test_where_nothing_could_be_asked_it_says_what_is_missing() -> None:
    east, west = site("east", {}), site("west", {})
    pair = ("east", "west")
    bare = Verdict(kind="none", axes={question: AxisVerdict() for question in QUESTIONS})
    shift = compare_two(SiteStatistics.of(east), SiteStatistics.of(west))
    found = evidence_of(Comparisons({pair: shift}, {pair: bare}, {"east": east, "west": west}))
    assert [item.question for item in found] == list(QUESTIONS)
    assert all(item.says.startswith("nothing can be said of ") and item.effect is None for item in found)
    assert evidence_of(Comparisons({}, {}, {})) == ()


def test_what_would_have_been_seen_is_told_of_the_pair_that_sees_least() -> None:
    class Powered(AxisVerdict):
        detectable: float | None = None

    sites = {name: site(name, {}) for name in "abc"}
    verdicts = {
        pair: Verdict(
            kind="none",
            axes={
                question: Powered(effect=0.01, low=0.0, high=0.2, probability=0.1, axis="texture", detectable=least)
                for question in QUESTIONS
            },
        )
        for pair, least in zip(combinations("abc", 2), (0.3, 0.42, None), strict=True)
    }
    shifts = {(a, b): compare_two(SiteStatistics.of(sites[a]), SiteStatistics.of(sites[b])) for a, b in verdicts}
    for item in evidence_of(Comparisons(shifts, verdicts, sites)):
        assert "in any of 3 pairs" in item.says
        assert item.says.endswith("a shift of 0.42 or more would have been detected (80 % power)")


TAGS: list[tuple[dict[str, Count], dict[str, Count], str | None]] = [
    (
        {"LOGIQ E9": 120},
        {"IU22": 120},
        "all of 'c' is one scanner: LOGIQ E9 (120 of 120 patients), nobody at 'b' has it",
    ),
    ({"LOGIQ E9": 110, "X": 10}, {"IU22": 120}, "nearly all of 'c' is one scanner: LOGIQ E9 (110 of 120 patients)"),
    ({"LOGIQ E9": 100, "X": 20}, {"LOGIQ E9": 10, "Y": 10, "X": 100}, None),  # neither is nearly all of its site
    ({"LOGIQ E9": 120}, {"LOGIQ E9": 120}, None),
    ({"LOGIQ E9": 120}, {"LOGIQ E9": "<10", "IU22": 111}, "at most 9 at 'b' have it"),
    ({"LOGIQ E9": 120}, {"LOGIQ E9": "hidden", "IU22": "hidden"}, None),
    ({"LOGIQ E9": "hidden", "X": "<10"}, {"IU22": "hidden", "Y": "<10"}, None),
    ({"several": 120}, {"IU22": 120}, None),  # one of the several may be the same
    ({"LOGIQ E9": 120}, {"IU22": 60}, None),  # half of 'b' has no tag
    ({"LOGIQ E9": 120}, {}, None),
]


@pytest.mark.parametrize(("c", "b", "says"), TAGS)
def test_tags_that_separate_two_sites(c: dict[str, Count], b: dict[str, Count], says: str | None) -> None:
    there = site("b", {}, {"scanner": b}, patients=120)
    here = site("c", {}, {"scanner": c}, patients=120)
    found = separating_tags([(there, here)], 2)
    assert len(found) == (says is not None)
    if says is not None:
        assert says in found[0].says
        low, middle, high = found[0].shares
        assert 0.8 <= low <= middle <= high <= 1


def test_a_patient_of_several_scanners_is_not_surely_without_one() -> None:
    there = site("b", {}, {"scanner": {"several": 120}}, patients=120)
    here = site("c", {}, {"scanner": {"IU22": 120}}, patients=120)
    assert not separating_tags([(there, here)], 2)


def test_tags_are_named_once_and_only_for_a_called_appearance() -> None:
    scanners = {"a": "IU22", "b": "IU22", "c": "LOGIQ E9"}
    sites = [
        site(name, drawn(index, brightness=80.0 + 60 * (name == "c")), {"bits": {bits: 100}, "scanner": {scanner: 100}})
        for index, (name, scanner) in enumerate(scanners.items())
        for bits in ["8" if name != "c" else "12"]
    ]
    found = evidence(sites, {("a", "c"): BY_TEXTURE, ("b", "c"): BY_TEXTURE})
    tags = [item for item in found if item.cause == "acquisition"]
    assert [(item.measure, item.sites, item.also) for item in tags] == [("scanner", ("a", "b", "c"), ("bits",))]
    assert "nobody at 'a', 'b' has it; likewise bit depth (12)" in tags[0].says
    assert found.index(tags[0]) == 1
    assert not [item for item in evidence(sites, {}) if item.cause == "acquisition"]


def test_numbers_read_as_people_write_them() -> None:
    assert [number(value) for value in (136.4, 36.4, 3.64, 0.364, 0.0364, 0.999, -0.5, 0.0001)] == [
        *("136", "36", "3.6", "0.36", "0.036", "1.0", "-0.50", "0")
    ]
    assert span([31.2, 40.1]) == "31 to 40"
    assert span([31.2, 31.4]) == "31"
