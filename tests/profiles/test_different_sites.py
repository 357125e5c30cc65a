"""A federation is of different hospitals, each given once."""

from pathlib import Path
from typing import Any

import pytest

from shiftscope.checks import check
from shiftscope.errors import ProfileError
from shiftscope.profiles import Profile, require_different_sites
from shiftscope.recommendation import advise

HONEST = Path(__file__).parents[1] / "forged" / "honest"


def read(name: str, **changed: Any) -> Profile:
    return Profile.read(HONEST / f"{name}.profile.json", ProfileError).model_copy(update=changed)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("ashford", "ashford"),
        ("ashford", "Ashford"),
        ("ashford", "ａｓｈｆｏｒｄ"),
        ("st. mary", "st.\u00a0mary"),
        ("strasse", "STRAẞE"),
        ("e\u0301cole", "école"),
    ],
)
def test_names_that_read_alike_are_one_site(one: str, other: str) -> None:
    with pytest.raises(ProfileError, match="two profiles are of"):
        advise([read("classes-a", site=one), read("classes-b", site=other)])


def test_the_same_images_under_two_names_are_one_site() -> None:
    one = read("classes-a")
    with pytest.raises(ProfileError, match="'mallory' and 'referral' are profiles of the same images"):
        advise([one, read("classes-b"), one.model_copy(update={"site": "mallory"})])
    require_different_sites([one, read("classes-b")])
    require_different_sites([read("private-a", site="a"), read("private-a", site="b")])


def test_check_wants_different_baselines_and_may_meet_its_own(run, tmp_path: Path) -> None:
    one, other, twin = tmp_path / "one", tmp_path / "other", tmp_path / "twin"
    read("classes-a").write(one)
    read("classes-b").write(other)
    read("classes-a", site="mallory").write(twin)
    assert run("check", one, "--against", one).code == 0
    done = run("check", other, "--against", one, twin)
    assert done.code == 2
    assert "profiles of the same images" in done.err
    assert "profiles of the same images" in run("report", one, other, twin, "-o", tmp_path / "x.html").err
    assert check(read("classes-a"), [read("classes-a")]).outcome == "passed"


def test_all_classes_together_have_an_end() -> None:
    def labels(start: int) -> dict[str, int]:
        return {f"class {number}": 10 for number in range(start, start + 60)}

    one, other = read("classes-a", labels=labels(0)), read("classes-b", labels=labels(40))
    require_different_sites([one, other])
    with pytest.raises(ProfileError, match="the profiles name 120 classes together"):
        advise([one, other.model_copy(update={"labels": labels(60)})])
