"""The five questions have one name each, for people and in the literature, and every axis answers one of them."""

from shiftscope.diagnosis.calibration import load_calibration, name_of
from shiftscope.diagnosis.verdicts import LIMITS
from shiftscope.measures import AXES
from shiftscope.measures.question_names import LITERATURE, QUESTIONS, SUBJECTS


def test_every_table_has_every_question_in_order() -> None:
    assert tuple(SUBJECTS) == tuple(LITERATURE) == tuple(LIMITS.margin) == QUESTIONS


def test_the_names_are_those_of_the_literature() -> None:
    named = " ".join(LITERATURE.values())
    for shift in ("acquisition", "population", "manifestation", "prevalence", "annotation", "concept"):
        assert named.count(shift) == 1


def test_every_axis_answers_a_question_or_none() -> None:
    assert {axis.question for axis in AXES.values()} == {*QUESTIONS, "features"} - {"label", "concept"}
    assert [name for name, axis in AXES.items() if axis.holds_area] == ["morphology", "morphology_3d"]


def test_the_calibration_takes_each_axis_for_the_question_that_it_answers() -> None:
    """A term's axis may lend evidence to no other question; layouts stand for structure where there are no masks."""
    question_of = {name_of(name): axis.question for name, axis in AXES.items()} | {"labels": "label"}
    for model in load_calibration().answers:
        for term in model.terms:
            assert question_of[term.axis] == model.question
