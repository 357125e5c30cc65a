"""Lines end at spaces, and never inside a number, an interval or a name."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from shiftscope.reports.formats.markdown import to_markdown
from shiftscope.reports.sheet import Grid, Lines
from shiftscope.reports.wrapping import GLUE, elided, fitting, glued, shortened, wrapped

TEXT = st.text("ab 漢-,/", max_size=120).filter(lambda text: "  " not in text.strip(" "))


@pytest.mark.parametrize(
    "whole",
    [
        "0.35 to 2.0",
        "-0.068 to +0.274",
        "95 % [0.35, 2.0]",
        "[99%, 100%]",
        "n = 54 against 162",
        "54 of 60",
        "219 patients",
        "11.2 KB",
        "2.4 times",
        "'St Mary of the Angels'",
        "effect 0.17",
        "limit 0.1",
    ],
)
def test_what_belongs_together_stays_on_a_line(whole: str) -> None:
    for before in range(40):
        lines = wrapped(glued(f"{'a ' * before}{whole} and so on"), 40)
        assert sum(whole in line for line in lines) == 1, lines


def test_an_apostrophe_opens_no_name() -> None:
    assert GLUE not in glued("a site's map and the sites' statistics lie here")


@given(TEXT, st.integers(6, 40))
def test_lines_fit_and_nothing_is_lost(text: str, width: int) -> None:
    lines = wrapped(text, width)
    assert all(cell_len(line) <= width for line in lines)
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")


@given(TEXT, st.integers(1, 4), st.integers(20, 60))
def test_what_is_cut_keeps_to_its_lines_and_says_that_it_is_cut(text: str, lines: int, width: int) -> None:
    cut = shortened(text, lines, width, longest=12)
    assert len(wrapped(cut, width)) <= lines
    assert all(cell_len(line) <= width for line in wrapped(cut, width))
    whole = wrapped(" ".join(elided(token, 12) for token in text.split(" ")), width)
    assert (len(whole) > lines) == cut.endswith(" ...")


@given(st.text("ab漢", min_size=1, max_size=60), st.integers(8, 40))
def test_a_long_name_keeps_its_ends(name: str, most: int) -> None:
    short = elided(name, most)
    head, dots, tail = short.partition("...")
    assert cell_len(short) <= most
    assert name.startswith(head)
    assert name.endswith(tail)
    assert bool(dots) == (cell_len(name) > most)


def test_a_name_that_is_cut() -> None:
    assert elided("st_josephs_infirmary_of_the_north", 20) == "st_joseph...he_north"
    assert elided("east") == "east"


def test_whole_sentences_are_kept_while_they_fit() -> None:
    first, second, third = "one two three", "four five", "a sentence that has no room in these two lines at all"
    assert fitting([first, second, third], 2, 30) == f"{first}; {second}"
    assert fitting([third], 1, 30).endswith(" ...")


def test_markdown_has_plain_spaces_and_no_empty_heading() -> None:
    text = to_markdown([Lines("", [glued("n = 54 against 162")]), Grid("", ("", ""), [("so", "54 of 60")])])
    assert GLUE not in text
    assert "#" not in text
