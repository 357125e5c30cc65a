"""What a person calls each axis and measure."""

from shiftscope.measures import AXES, MEASURES
from shiftscope.measures.plain_names import PLAIN_NAMES, plain_name


def test_every_axis_and_every_measure_has_a_name_and_nothing_else_has() -> None:
    assert {*PLAIN_NAMES} == {*AXES, *MEASURES, "labels", "class_contrast"}


def test_names_are_words_of_a_person_and_short() -> None:
    for key, name in PLAIN_NAMES.items():
        assert "_" not in name, key
        assert len(name) <= 40, key


def test_no_two_axes_and_no_two_measures_share_a_name() -> None:
    for family in (AXES, MEASURES):
        names = [plain_name(key) for key in family]
        assert len(set(names)) == len(names)


def test_what_has_no_name_keeps_its_key() -> None:
    assert plain_name("scanner") == "scanner"
