"""A whole watch on profiles: what is refused, what is skipped, what changed, since when, and what to do."""

import numpy as np
import pytest
from months_made import drawn, known_profile

from shiftscope.errors import NotComparable, ProfileError
from shiftscope.profiles import Profile
from shiftscope.series import watch

BASE = known_profile()


def labelled(sick: int, well: int) -> dict[str, object]:
    return {"labels": {"sick": sick, "well": well}, "labelled": sick + well}


def months(count: int, since: int, **change: object) -> list[tuple[str, Profile]]:
    """Months like the baseline, from month number `since` on with a change."""
    return [
        (f"2026-{k + 1:02d}", drawn(BASE, 40, None, **(change if k >= since else {})))  # type: ignore[arg-type]
        for k in range(count)
    ]


@pytest.mark.parametrize(
    ("question", "action", "change"),
    [
        ("appearance", "refit_harmonizer", {"moved": {"texture": 1.0, "noise": 1.0}}),
        ("structure", "personalize_again", {"moved": {"morphology": 1.0}}),
        ("annotation", "review_annotation", {"moved": {"boundary": 1.0}}),
    ],
)
def test_a_jump_is_named_dated_and_answered(question: str, action: str, change: dict[str, object]) -> None:
    found = watch(("baseline", drawn(BASE, 80)), months(8, 4, **change))
    (only,) = found.changes
    assert (only.question, only.action) == (question, action)
    assert only.start == "2026-05"
    assert only.alarmed in ("2026-05", "2026-06")
    assert only.start in only.possible
    assert only.low <= only.effect <= only.high
    assert only.evidence
    assert all("n = " in item.says and "95 %" in item.says for item in only.evidence)
    assert [month.alarms for month in found.months[:4]] == [()] * 4
    assert found.months[-1].alarms == (question,)


def test_prevalence_is_recalibrated() -> None:
    base = drawn(BASE, 80, **labelled(40, 40))
    series = [(f"m{k}", drawn(BASE, 40, **labelled(*((20, 20) if k < 3 else (30, 10))))) for k in range(7)]
    (only,) = watch(("baseline", base), series).changes
    assert (only.question, only.action, only.start) == ("label", "recalibrate", "m3")
    assert "sick" in only.evidence[0].says


def test_identical_months_alarm_nothing() -> None:
    found = watch(("baseline", drawn(BASE, 40)), [(f"m{k}", drawn(BASE, 40)) for k in range(24)])
    assert not found.changes
    assert found.spent < found.alpha
    assert all(month.watched and not month.alarms for month in found.months)


def test_a_slow_drift_is_found_though_no_month_alone_is_outside() -> None:
    rng = np.random.default_rng(0)
    base = drawn(BASE, 100, rng)
    series = [(f"m{k}", drawn(BASE, 25, rng, {"texture": 0.04 * k})) for k in range(18)]
    found = watch(("baseline", base), series)
    assert [change.question for change in found.changes] == ["appearance"]
    noticed = next(month for month in found.months if month.alarms)
    reading = next(reading for reading in noticed.readings if reading.axis == found.changes[0].axis)
    assert reading.n[1] > 25  # several months together


def test_few_patients_are_left_out_and_said() -> None:
    series = months(4, 9)
    series[1] = ("2026-02", drawn(BASE, 15))
    found = watch(("baseline", drawn(BASE, 60)), series)
    assert [month.watched for month in found.months] == [True, False, True, True]
    assert found.months[1].readings == ()
    assert any("'2026-02' (15)" in caveat for caveat in found.caveats)
    without = watch(("baseline", drawn(BASE, 60)), [series[0], *series[2:]])
    assert found.months[2:] == without.months[1:]


def test_only_small_months_are_no_all_clear() -> None:
    found = watch(("baseline", drawn(BASE, 60)), [("m1", drawn(BASE, 12))])
    assert not found.months[0].watched
    assert found.spent == 0


def test_a_change_of_scanner_is_named_beside_the_images() -> None:
    base = drawn(BASE, 60, acquisition={"scanner": {"old": 60}, "month": {"2025-12": 60}})
    series = [
        (
            f"m{k}",
            drawn(
                BASE,
                40,
                None,
                {"texture": 1.0} if k > 1 else {},
                acquisition={"scanner": {"new" if k > 1 else "old": 40}, "month": {f"2026-{k + 1:02d}": 40}},
            ),
        )
        for k in range(5)
    ]
    found = watch(("baseline", base), series)
    assert [month.dated for month in found.months] == [f"2026-{k + 1:02d}" for k in range(5)]
    (tags,) = [item for item in found.changes[0].evidence if item.cause == "acquisition"]
    assert "one scanner: new (120 of 120 patients)" in tags.says
    assert "month" not in tags.also


def test_a_reader_of_the_json_gets_it_back() -> None:
    found = watch(("baseline", drawn(BASE, 60)), months(4, 2, moved={"texture": 1.0}))
    again = type(found).from_dict(found.to_dict(), "here", ProfileError)
    assert again.to_dict() == found.to_dict()


@pytest.mark.parametrize(
    ("base", "series", "says"),
    [
        (drawn(BASE, 40), [], "no month to watch"),
        (drawn(BASE, 40), [("m", drawn(BASE, 40)), ("m", drawn(BASE, 40))], "two profiles are called 'm'"),
        (drawn(BASE, 15), [("m", drawn(BASE, 40))], "baseline 'base' has 15 patients, a watch needs 20"),
        (
            drawn(BASE, 40),
            [(name, drawn(BASE, 40, acquisition={"month": {name: 40}})) for name in ("2026-05", "2026-04")],
            "'2026-05' (2026-05) is given before '2026-04' (2026-04)",
        ),
    ],
)
def test_what_cannot_be_watched_is_refused(base: Profile, series: list[tuple[str, Profile]], says: str) -> None:
    with pytest.raises(ProfileError) as caught:
        watch(("base", base), series)
    assert says in str(caught.value)


def test_other_ways_of_measuring_are_refused_naming_both() -> None:
    other = drawn(BASE, 40, recipe=BASE.recipe.model_copy(update={"canvas": 64}))
    with pytest.raises(NotComparable, match="'base' and 'm2'.*canvas"):
        watch(("base", drawn(BASE, 40)), [("m1", drawn(BASE, 40)), ("m2", other)])


def test_a_drift_is_dated_near_its_beginning_and_called_gradual() -> None:
    series = [(f"{k:02d}", drawn(BASE, 40, None, {"texture": 0.15 * max(0, k - 5)})) for k in range(20)]
    (only,) = watch(("baseline", drawn(BASE, 100)), series).changes
    assert only.gradual
    assert 5 <= int(only.start) <= int(only.alarmed) <= 12


def test_a_scanner_that_sees_more_and_more_patients_is_named() -> None:
    def month(k: int) -> Profile:
        new = 10 + 2 * max(0, k - 3)
        counts = {"old": 60 - new, "new": new}
        return drawn(BASE, 60, None, {"texture": 0.2 * max(0, k - 3)}, acquisition={"scanner": counts})

    base = drawn(BASE, 60, acquisition={"scanner": {"old": 50, "new": 10}})
    (only,) = watch(("baseline", base), [(f"{k:02d}", month(k)) for k in range(12)]).changes
    (tags,) = [item for item in only.evidence if item.cause == "acquisition"]
    assert tags.says.startswith("more patients have scanner new: ")
    assert tags.low is not None
    assert tags.low > 0
