"""What the sheet says where the advice is unsure."""

import pytest

from shiftscope.diagnosis import AxisVerdict, Diagnosis
from shiftscope.diagnosis.texts.concept_text import REHEARSE
from shiftscope.measures.question_names import QUESTIONS
from shiftscope.recommendation import Advice, AdvisedCost, Alternative, Recommendation
from shiftscope.reports.sheet import Lines
from shiftscope.reports.sheets.advice_sheet import advice_sheet

OPEN = "whether sites differ in structure is not decided, confidence 0.6: a trial decides it"


def next_steps(undecided: tuple[str, ...], *alternatives: tuple[str | None, str | None], harmonizer: str | None) -> str:
    diagnosis = Diagnosis.model_construct(
        kind="insufficient",
        axes={question: AxisVerdict() for question in QUESTIONS},
        pairs=(),
        by_site={},
        evidence=(),
        caveats=(),
    )
    recommendation = Recommendation(
        action="harmonize" if harmonizer else "pool",
        harmonizer=harmonizer,
        personalizer=None,
        because=("",),
        undecided=undecided,
        alternatives=tuple(
            Alternative(action="pool", harmonizer=one, personalizer=other, when="") for one, other in alternatives
        ),
        cost=AdvisedCost(bytes=0, compute=1.0),
    )
    advice = Advice.model_construct(sites=(), diagnosis=diagnosis, recommendation=recommendation)
    (block,) = [item for item in advice_sheet(advice, verbose=True, plan="plan.toml") if item.title == "next"]
    assert isinstance(block, Lines)
    return "\n".join(block.lines)


@pytest.mark.parametrize(
    ("harmonizer", "alternatives", "command"),
    [
        ("zscore", [("zscore", "fedper"), (None, None)], "trial plan.toml --strategies zscore,zscore+fedper"),
        (None, [(None, "fedper"), ("nyul", None), (None, "fedper")], "trial plan.toml --strategies fedper,nyul"),
        (None, [(None, None)], "trial plan.toml"),
    ],
)
def test_a_trial_of_the_runners_up_is_the_next_step(
    harmonizer: str | None, alternatives: list[tuple[str | None, str | None]], command: str
) -> None:
    text = next_steps((OPEN,), *alternatives, harmonizer=harmonizer)
    assert text == f"shiftscope {command} --data SITE=DIR ..."


def test_sure_advice_asks_for_no_trial() -> None:
    assert "trial" not in next_steps((), ("zscore", "fedper"), harmonizer="zscore")


def test_what_a_rehearsal_decides_is_rehearsed() -> None:
    rehearsed = f"whether the same labels mean the same cannot be told from profiles: {REHEARSE}"
    assert next_steps((rehearsed,), (None, "fedper"), harmonizer=None) == (
        "shiftscope rehearse plan.toml --data SITE=DIR ..."
    )
    assert "trial" in next_steps((rehearsed, OPEN), (None, "fedper"), harmonizer=None)
