"""What labels mean, month by month: other labels are alarmed and named, other images and other shares are not."""

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from months_made import drawn, known_profile, labelled_month, labelled_profile

from shiftscope.diagnosis import LIMITS
from shiftscope.reports.sheets.watch_sheet import watch_sheet
from shiftscope.series import Reading, Watch, watch
from shiftscope.series.blocks import growing
from shiftscope.series.changes import changes_of
from shiftscope.series.interim_analyses import Alarm, InterimAnalysis, interim_analyses
from shiftscope.series.limits import share
from shiftscope.shifts import SiteStatistics

GOLDEN = Path(__file__).parents[1] / "golden"
EVEN = {"benign": 30, "malignant": 30}
CONTRAST = "class_contrast"


def series(seed: int, months: int, since: int = 99, **change: Any) -> list[SiteStatistics]:
    """A baseline and months of two classes, from month number `since` on with a change."""
    rng = np.random.default_rng(seed)
    return [labelled_month(rng, f"m{k}", **{"sizes": EVEN, **(change if k > since else {})}) for k in range(months + 1)]


def analysed(sites: list[SiteStatistics], alpha: float = 0.05) -> list[InterimAnalysis]:
    return [*interim_analyses(sites[0], sites[1:], alpha)]


def readings(found: Watch) -> list[Reading]:
    return [reading for month in found.months for reading in month.readings if reading.axis == CONTRAST]


def unlabelled() -> Watch:
    """Months with classes that are counted, of which one becomes more common, and without moments within them."""
    base = known_profile()
    counts = [{"labels": {"sick": sick, "well": 40 - sick}, "labelled": 40} for sick in (20, 20, 20, 20, 30, 30)]
    months = [drawn(base, 40, None, {"texture": 0.8} if k > 3 else {}, **counts[k]) for k in range(6)]
    first = drawn(base, 80, labels={"sick": 40, "well": 40}, labelled=80)
    return watch(("baseline", first), [(f"m{k}", month) for k, month in enumerate(months)])


@pytest.fixture(scope="module")
def swapped() -> Watch:
    """Half of all labels are the other one from the seventh month on; the third month is too small to publish them."""
    rng = np.random.default_rng(0)
    months = [
        (f"m{k}", labelled_profile(rng, f"m{k}", (15, 15) if k == 2 else (30, 30), swapped=0.5 * (k >= 6)))
        for k in range(10)
    ]
    return watch(("baseline", labelled_profile(rng, "baseline", (50, 50))), months)


def test_swapped_labels_are_alarmed_as_what_labels_mean_and_nothing_else(swapped: Watch) -> None:
    (only,) = swapped.changes
    assert (only.question, only.action, only.axis) == ("concept", "review_labels", CONTRAST)
    assert only.probability is None
    assert only.alarmed in ("m6", "m7")
    assert (only.start, only.gradual) == ("m6", False)
    assert only.start in only.possible
    assert only.low <= only.effect <= only.high
    assert only.n == (100 + 5 * 60, 4 * 60)  # the small month is on neither hand
    assert [month.alarms for month in swapped.months[:6]] == [()] * 6
    assert swapped.months[-1].alarms == ("concept",)


def test_it_is_explained_as_a_diagnosis_explains_it(swapped: Watch) -> None:
    (finding,) = swapped.changes[0].evidence
    assert (finding.question, finding.sites) == ("concept", ("before", "since m6"))
    assert finding.says.startswith("the same labels mean something else at 'since m6' than at 'before'")
    assert "'benign' and 'malignant' do not lie apart as they do elsewhere" in finding.says
    assert (finding.n, finding.effect) == (swapped.changes[0].n, pytest.approx(swapped.changes[0].effect))
    titles = [block.title for block in watch_sheet(swapped)]
    assert titles[0] == "alarm: label meaning changed"
    grid = next(block for block in watch_sheet(swapped, verbose=True) if block.title.startswith("every month"))
    assert "how classes lie apart" in [row[0] for row in grid.rows]  # type: ignore[union-attr]


def test_it_is_read_again_and_stands_in_the_table(swapped: Watch) -> None:
    written = swapped.to_dict()
    assert written["changes"][0]["probability"] is None
    assert Watch.from_dict(written, "here", ValueError).to_dict() == written  # type: ignore[arg-type]
    rows = [row for row in swapped.to_rows() if row["question"] == "concept"]
    assert [row["month"] for row in rows] == [month.label for month in swapped.months]
    assert {row["axis"] for row in rows} == {CONTRAST}


def test_months_too_small_to_publish_classes_are_said(swapped: Watch) -> None:
    (caveat,) = [text for text in swapped.caveats if "labels mean" in text]
    assert caveat.startswith("what labels mean is judged by 9 of 10 months")
    rng = np.random.default_rng(1)
    small = watch(
        ("baseline", labelled_profile(rng, "baseline", (50, 50))),
        [(f"m{k}", labelled_profile(rng, f"m{k}", (18, 18))) for k in range(3)],
    )
    assert not readings(small)
    assert any(text.startswith("what labels mean is not asked") for text in small.caveats)


def test_the_same_labels_alarm_nothing() -> None:
    alarmed = [
        question for seed in range(12) for analysis in analysed(series(100 + seed, 12)) for question in analysis.alarms
    ]
    assert not alarmed  # half of .05 is spent in twelve months: .3 series of twelve expected at the most


@pytest.mark.parametrize(
    ("change", "question"),
    [
        ({"moved": {"texture": 0.7, "noise": 0.7}}, "appearance"),
        ({"sizes": {"benign": 45, "malignant": 15}}, "label"),
    ],
)
def test_other_images_and_other_shares_are_no_other_labels(change: Mapping[str, Any], question: str) -> None:
    rng = np.random.default_rng(2)
    sites = [
        labelled_month(rng, f"m{k}", **{"sizes": EVEN, "axes": ("texture", "noise"), **(change if k > 4 else {})})
        for k in range(13)
    ]
    found = analysed(sites)
    assert {name for analysis in found for name in analysis.alarms} == {question}
    assert all(CONTRAST in analysis.tests for analysis in found)


def test_beside_other_images_other_labels_are_seen_where_images_moved_less() -> None:
    axes = ("texture", "noise", "layout")
    of_images, of_all = ({"texture": 1.0, "noise": 1.0}, dict.fromkeys(axes, 1.0))
    apart, together = (
        analysed(series(3, 10, 4, swapped=0.5, moved=moved, axes=axes))[-1] for moved in (of_images, of_all)
    )
    assert set(apart.alarms) == {"appearance", "concept"}
    assert apart.alarms["concept"].axis == "layout"
    assert "concept" not in together.alarms  # a quarter of what all images moved by may be theirs


def test_what_was_said_does_not_depend_on_later_months() -> None:
    sites = series(4, 9, 5, swapped=0.5)
    short, long = analysed(sites[:8]), analysed(sites)
    for one, other in zip(short, long, strict=False):
        assert (one.tests[CONTRAST].p, one.tests[CONTRAST].start) == (
            other.tests[CONTRAST].p,
            other.tests[CONTRAST].start,
        )
        assert one.alarms == other.alarms


def test_what_classes_are_called_does_not_matter() -> None:
    """Renamed so that their order turns around."""
    sites = series(5, 6, 3, swapped=0.5)
    names = {"benign": "z", "malignant": "a"}
    renamed = [
        replace(
            site,
            classes={names[label]: axes for label, axes in site.classes.items()},
            labels=replace(
                site.labels,
                low={names[label]: count for label, count in site.labels.low.items()},
                high={names[label]: count for label, count in site.labels.high.items()},
            ),
        )
        for site in sites
    ]
    for one, other in zip(analysed(sites), analysed(renamed), strict=True):
        assert other.tests[CONTRAST].p == pytest.approx(one.tests[CONTRAST].p, rel=1e-9)
        assert other.tests[CONTRAST].effect.value == pytest.approx(one.tests[CONTRAST].effect.value, rel=1e-9)
        assert other.tests[CONTRAST].classes == ("a", "z")
        assert other.alarms.keys() == one.alarms.keys()


def test_it_counts_as_one_axis_more() -> None:
    *_, last = analysed(series(6, 5))
    assert [*last.tests] == ["labels", "texture", "layout", CONTRAST]
    for test in last.tests.values():
        assert test.limit == pytest.approx(share(0.05, 5) / (4 * 4))  # the last 1, 2, 4 months, and all 5
    test = last.tests[CONTRAST]
    contrasts = last.blocks.shifts([test.start])[0].contrasts
    assert len(contrasts) == 2
    assert test.p == pytest.approx(min(1.0, 2 * min(contrast.p for contrast in contrasts)))


@pytest.mark.parametrize("hidden", [("malignant",), ("benign", "malignant")])
def test_a_month_that_hides_a_class_is_on_neither_hand(hidden: tuple[str, ...]) -> None:
    """It is as if it published none, whatever the other class is like in it."""
    sites = series(7, 6, 3, swapped=0.5)
    rng = np.random.default_rng(8)
    odd = labelled_month(rng, "m2", EVEN, moved={"texture": 50.0, "layout": 50.0}, hidden=hidden)
    sites[2] = replace(sites[2], classes=odd.classes)
    bare = [replace(site, classes={}) if k == 2 else site for k, site in enumerate(sites)]
    found, without = analysed(sites), analysed(bare)
    for one, other in zip(found, without, strict=True):
        assert (
            one.tests[CONTRAST].p == other.tests[CONTRAST].p if CONTRAST in one.tests else CONTRAST not in other.tests
        )
        assert one.alarms == other.alarms
    *_, last = found
    assert sum(last.tests[CONTRAST].effect.n) == 6 * 60
    assert last.blocks.shifts([1])[0].contrasts == last.blocks.shifts([2])[0].contrasts  # the cuts beside it


def test_where_no_two_classes_are_known_it_is_not_asked_and_limits_are_as_they_were() -> None:
    one_class = [replace(site, classes={"benign": site.classes["benign"]}) for site in series(9, 4, 1, swapped=0.5)]
    only_the_baseline = [replace(site, classes={} if k else site.classes) for k, site in enumerate(series(9, 4))]
    for sites in (one_class, only_the_baseline):
        for number, analysis in enumerate(analysed(sites), start=1):
            assert CONTRAST not in analysis.tests
            cuts = 1 + (number - 1).bit_length()
            assert {test.limit for test in analysis.tests.values()} == {share(0.05, number) / (3 * cuts)}


def test_of_three_classes_the_two_that_were_mixed_up_are_named() -> None:
    rng = np.random.default_rng(10)
    sizes = {"normal": 30, "benign": 30, "malignant": 30}
    sites = [labelled_month(rng, f"m{k}", sizes, swapped=0.5 * (k > 4), axes=("texture",)) for k in range(9)]
    *_, last = analysed(sites)
    test = last.tests[CONTRAST]
    assert set(last.alarms) == {"concept"}
    assert test.classes == ("benign", "normal")
    assert test.effect.n == (60 * 5, 60 * 4)
    contrasts = last.blocks.shifts([test.start])[0].contrasts
    assert {contrast.classes for contrast in contrasts} == {
        ("benign", "malignant"),
        ("benign", "normal"),
        ("malignant", "normal"),
    }
    assert test.p == pytest.approx(max(3 * min(contrast.p for contrast in contrasts), 3e-9))


def test_a_contrast_is_compared_in_the_spread_within_classes_and_months() -> None:
    """One coordinate: the squared difference of half the contrasts, over the pooled variance within classes and
    months, and what chance makes of it from the spread of each class."""
    rng = np.random.default_rng(11)
    rows = {
        label: [rng.standard_normal(n) * scale + gap + 0.3 * k for k, n in enumerate((40, 20, 30))]
        for label, scale, gap in (("a", 1.0, 0.0), ("b", 1.5, 2.0))
    }
    sites = []
    for k in range(3):
        month = labelled_month(rng, f"m{k}", {label: len(own[k]) for label, own in rows.items()}, axes=("texture",))
        both = np.concatenate([own[k] for own in rows.values()])[:, None]
        moments = {label: type(month.plain["texture"]).of(own[k][:, None]) for label, own in rows.items()}
        sites.append(
            replace(
                month,
                plain={"texture": type(month.plain["texture"]).of(both)},
                classes={label: {"texture": one} for label, one in moments.items()},
            )
        )
    *_, last = growing(sites[0], sites[1:])
    (contrast,) = last.shifts([1])[0].contrasts
    within = {label: sum((len(x) - 1) * x.var(ddof=1) for x in own) / (90 - 3) for label, own in rows.items()}
    unit = (within["a"] + within["b"]) / 2
    half = [
        (np.mean(np.concatenate(rows["b"][part])) - np.mean(np.concatenate(rows["a"][part]))) / 2
        for part in (slice(2), slice(2, 3))
    ]
    assert contrast.effect.distribution.distance == pytest.approx((half[0] - half[1]) ** 2 / unit)
    chance = sum(within[label] / unit / 4 * (1 / 60 + 1 / 30) for label in rows)
    assert contrast.effect.distribution.noise == pytest.approx(chance, rel=0.02)
    assert contrast.effect.n == (120, 60)


def test_an_alarm_without_a_probability_neither_drops_others_nor_is_dropped() -> None:
    """Appearance was only the likeliest at the seventh month, and at the last only label meaning is alarmed."""
    rng = np.random.default_rng(12)
    profiles = [
        labelled_profile(rng, f"m{k}", swapped=0.5 * (k > 4)).model_copy(update={"site": f"m{k}"}) for k in range(9)
    ]
    baseline, *months = profiles
    found = analysed([SiteStatistics.of(profile) for profile in profiles])
    label_meaning = Alarm("texture", None, ("benign", "malignant"))
    alarms = {4: {"concept": label_meaning}, 6: {"appearance": Alarm("texture", 0.3)}, 7: {"concept": label_meaning}}
    given = [replace(analysis, alarms=alarms.get(k, {})) for k, analysis in enumerate(found)]
    changes = changes_of(baseline, months, given, LIMITS)
    assert [(change.question, change.alarmed) for change in changes] == [("concept", "m5"), ("appearance", "m7")]
    later = [*given[:-1], replace(found[-1], alarms={"structure": Alarm("layout", 0.3)})]
    questions = [change.question for change in changes_of(baseline, months, later, LIMITS)]
    assert questions == ["concept", "structure"]  # appearance is the likeliest no longer, and goes as before


def test_a_change_is_described_though_its_last_classes_were_not_known_so_early() -> None:
    """A third class comes in the fifth month, and its labels go wrong in the eighth, long after the first alarm."""
    rng = np.random.default_rng(14)
    sizes = {"benign": 30, "malignant": 30, "other": 30}
    sites = [
        labelled_month(
            rng, f"m{k}", sizes, swapped=0.5 * (k > 2), hidden=("other",) if k < 5 else (), axes=("texture",)
        )
        for k in range(11)
    ]
    wrong = {label: {"texture": sites[-1].classes[label]["texture"]} for label in sizes}
    for k in (8, 9, 10):
        sites[k] = replace(sites[k], classes={**sites[k].classes, "other": wrong["malignant"]})
    found = analysed(sites)
    first, last = (Alarm("texture", None, ("benign", name)) for name in ("malignant", "other"))
    given = [
        replace(one, alarms={2: {"concept": first}, 9: {"concept": last}}.get(k, {})) for k, one in enumerate(found)
    ]
    baseline, *months = (drawn(known_profile(), 90, site=f"m{k}") for k in range(11))
    (only,) = changes_of(baseline, months, given, LIMITS)
    assert (only.question, only.gradual, only.alarmed) == ("concept", True, "m3")
    assert "'benign' and 'malignant'" in only.evidence[0].says
    assert sum(only.n) == 11 * 60


def test_without_moments_of_classes_all_is_as_it_was() -> None:
    """The document that the program wrote before it asked what labels mean."""
    kept = json.loads((GOLDEN / "watch-unlabelled-1.json").read_text(encoding="utf-8"))
    found = unlabelled().to_dict()
    assert [change["question"] for change in found["changes"]] == ["appearance", "label"]
    assert _rounded(found) == _rounded(kept)
    assert Watch.from_dict(kept, "here", ValueError).changes[0].probability  # type: ignore[arg-type]


def _rounded(value: Any) -> Any:
    """Numbers to three digits, for other processors round differently. Where means are equal, rounding alone decides
    from which month on they are least alike, and of what p, which is almost 1."""
    if isinstance(value, dict):
        least = ("since", "n", "p") if "since" in value and value["p"] > 0.99 else ()
        return {key: _rounded(item) for key, item in value.items() if key not in ("says", *least)}
    if isinstance(value, list):
        return [_rounded(item) for item in value]
    return float(f"{value:.3g}") if isinstance(value, float) else value


def test_a_profile_of_another_class_is_no_contrast() -> None:
    """Months that know other two classes than the baseline are asked among themselves."""
    rng = np.random.default_rng(13)
    sites = [
        labelled_month(rng, f"m{k}", {"sick" if k else "benign": 30, "well" if k else "malignant": 30})
        for k in range(4)
    ]
    first, second, third = analysed(sites)
    assert CONTRAST not in first.tests
    assert second.tests[CONTRAST].effect.n == (60, 60)
    assert third.tests[CONTRAST].classes == ("sick", "well")
