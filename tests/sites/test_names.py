"""Names that leave are made of words that are nobody's name."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shiftscope.sites import class_words, is_scanner_name
from shiftscope.sites.publishable_names import is_class_name, unknown_classes
from shiftscope.sites.vocabularies import picture_words, scanner_words

CLASSES = (
    *("benign", "Malignant", "No_Tumor", "glioma_tumor", "non-demented", "COVID-19", "covid19", "grade 3", "grade3"),
    *("BI-RADS 4a", "stage II", "0", "1", "HER2+", "normal (healthy)", "abnormal", "pos", "yes", "class_2", "7"),
)
NOT_CLASSES = (
    *(
        "SMITH_JOHN_1950",
        "Müller",
        "2023",
        "part_1",
        "p001",
        "12",
        "patient 1",
        "case_2",
        "1-9-5-0",
        "d o e",
        "",
        "...",
    ),
    *("benign_smith", "a" * 300, "normal normal normal normal normal normal normal", "m.e.l.a.n.i.e"),
)
SCANNERS = (
    *("GE MEDICAL SYSTEMS DISCOVERY MR750", "SIEMENS Skyra", "TOSHIBA_MEC MRT50H1", "Philips Medical Systems iU22"),
    *("GE MEDICAL SYSTEMS LOGIQ E9", "Bruker BioSpin MRI GmbH 700WB", "FUJI PHOTO FILM CO. LTD. 9000"),
)
NOT_SCANNERS = ("SMITH JOHN", "PHILIPS Smith", "MARK0001", "E9", "PHILIPS 19500101", "ACC-20231231-77", "")


@pytest.mark.parametrize("name", CLASSES)
def test_names_of_classes(name: str) -> None:
    assert is_class_name(name)


@pytest.mark.parametrize("name", NOT_CLASSES)
def test_anything_else_is_not_a_class(name: str) -> None:
    assert not is_class_name(name)


def test_declared_names_are_known() -> None:
    assert unknown_classes(["benign", "ward_7", "ward_8"], ["ward_8"]) == ["ward_7"]


@pytest.mark.parametrize("name", SCANNERS)
def test_names_of_scanners(name: str) -> None:
    assert is_scanner_name(name)


@pytest.mark.parametrize("name", NOT_SCANNERS)
def test_anything_else_is_not_a_scanner(name: str) -> None:
    assert not is_scanner_name(name)


@given(st.text(alphabet=st.characters(categories=["Lu", "Ll", "Nd", "Pd", "Pc", "Zs"]), max_size=40))
def test_random_names_are_no_classes_unless_made_of_the_list(name: str) -> None:
    words = re.findall(r"\d+|[^\W\d_]+", name.casefold())
    if is_class_name(name):
        assert all(len(part) == 1 or any(part in known for known in class_words()) for part in words)


@pytest.mark.parametrize("words", [class_words(), picture_words(), scanner_words()])
def test_lists_hold_plain_words_once(words: frozenset[str]) -> None:
    assert len(words) > 100
    assert all(entry == entry.casefold() and re.fullmatch(r"[^\W_]+", entry) for entry in words), sorted(
        entry for entry in words if not re.fullmatch(r"[^\W_]+", entry)
    )
