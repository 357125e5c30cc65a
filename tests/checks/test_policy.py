"""Policies: what is not said keeps its default, and what is said wrongly is reported with what was meant."""

from pathlib import Path

import pytest

from shiftscope.checks import Limit, Policy, read_policy
from shiftscope.checks.policy import CATEGORIES, DEFAULT_QUESTIONS, JUDGED
from shiftscope.diagnosis import LIMITS
from shiftscope.errors import PolicyError
from shiftscope.measures import AXES


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "policy.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_an_empty_policy_is_the_default(tmp_path: Path) -> None:
    assert read_policy(written(tmp_path, "")) == Policy()
    errors = {name: limit.error for name, limit in Policy().questions.items()}
    assert errors == {**LIMITS.margin, "concept": None}
    assert Policy().questions["concept"] == Limit(warn=0.0)


def test_what_is_not_said_keeps_its_default(tmp_path: Path) -> None:
    text = """
    schema = 1
    min_patients = 40
    max_unreadable = "2%"
    scanners = ["GE *"]
    labels = ["benign"]
    require = ["noise", "labels"]
    fail_on = ["appearance", "files"]
    [questions.appearance]
    warn = 0.1
    error = 1
    [axes.noise]
    error = 2.5
    [measures.brightness]
    warn = 5
    """
    read = read_policy(written(tmp_path, text))
    assert read.questions == {**DEFAULT_QUESTIONS, "appearance": Limit(warn=0.1, error=1)}
    assert (read.axes, read.measures) == ({"noise": Limit(error=2.5)}, {"brightness": Limit(warn=5)})
    assert (read.needed("dicom"), read.needed("file"), Policy().needed("file")) == (40, 40, 30)
    assert (read.unreadable_allowed(99), read.unreadable_allowed(100)) == (1, 2)
    assert read.counts("files")
    assert not read.counts("label")
    again = Policy.from_dict(read.to_dict(), "again", PolicyError)
    assert again == read


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("min_patient = 3", "'min_patient' is not a key of a policy; did you mean 'min_patients'?"),
        ("min_patients = 3", "key 'min_patients': Input should be greater than or equal to 20"),
        ("[questions.apearance]\nerror = 1", "'apearance' is not a question; did you mean 'appearance'?"),
        (
            "[questions.appearance]\nerr = 1",
            "'questions.appearance.err' is not a key of a policy; did you mean 'error'",
        ),
        ("[questions.appearance]", "expected a number under warn, under error, or under both"),
        ("[axes.nois]\nerror = 1", "'nois' is not an axis that is judged; did you mean 'noise'?"),
        ("[axes.features_deep]\nerror = 1", "'features_deep' is not an axis that is judged"),
        ("[axes.noise]\nwarn = 2\nerror = 1", "warn is 2, above error, which is 1"),
        ("[axes]\nnoise = 1", "key 'axes.noise': expected a table such as [questions.appearance], got 1"),
        ("[measures.brigthness]\nerror = 1", "'brigthness' is not a measure; did you mean 'brightness'?"),
        ('require = ["masks"]', "'masks' is not an axis that is judged"),
        ('fail_on = ["lables"]', "'lables' is not a category; did you mean 'label'?"),
        ('max_unreadable = "a few"', "max_unreadable"),
        ("schema = 2", "schema 2 is not the schema 1 this version reads"),
        ("= 3", "expected a policy in TOML"),
    ],
)
def test_what_is_wrong_is_told_in_one_line(tmp_path: Path, text: str, says: str) -> None:
    path = written(tmp_path, text)
    with pytest.raises(PolicyError) as caught:
        read_policy(path)
    assert says in str(caught.value)
    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value).strip()


def test_a_missing_policy_is_reported(tmp_path: Path) -> None:
    with pytest.raises(PolicyError, match="cannot be read: No such file"):
        read_policy(tmp_path / "absent.toml")


def test_every_axis_that_decides_belongs_to_a_category() -> None:
    assert set(JUDGED) == {name for name, axis in AXES.items() if axis.question != "features"} | {"labels"}
    assert set(JUDGED.values()) < set(CATEGORIES)
