"""Any advice fits a screen: 24 lines of 80 columns, and neither a number nor a name is broken."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from screens import drawn, require_screen, require_whole

from shiftscope.diagnosis import AxisVerdict, Diagnosis, Evidence, PairVerdict, Verdict
from shiftscope.recommendation import Advice, AdvisedCost, Alternative, Recommendation, SiteSize
from shiftscope.recommendation.advice_documents import ExpectedGain, PredictedGain
from shiftscope.recommendation.prediction.advice_policy import PredictedAction
from shiftscope.reports.questions import QUESTIONS
from shiftscope.reports.sheet import Grid
from shiftscope.reports.sheets.advice_sheet import advice_sheet

GOLDEN = Path(__file__).parents[1] / "golden"
NAMES = st.text("ZQ", min_size=1, max_size=60)
METHODS = ("quantile_spectrum", "canonical", "zscore")
EFFECTS = st.floats(0, 1e6, allow_subnormal=False)


@st.composite
def answers(draw: st.DrawFn) -> AxisVerdict:
    if draw(st.integers(0, 5)) == 0:
        return AxisVerdict()
    low, value, high = sorted(draw(st.lists(EFFECTS, min_size=3, max_size=3)))
    return AxisVerdict(
        probability=draw(st.floats(0, 1)),
        effect=value,
        low=low,
        high=high,
        p=0.5,
        axis=draw(st.sampled_from(["intensity_outside", "morphology_3d", "labels"])),
        held="lesion area",
        called=draw(st.booleans()),
        disputed=draw(st.booleans()),
        hidden=draw(st.booleans()),
        classes=draw(st.sampled_from([(), ("benign", "malignant")])),
    )


@st.composite
def predicted_gains(draw: st.DrawFn, harmonizer: str) -> list[PredictedGain]:
    """Of every action, or of none, as in advice of earlier versions."""
    methods: list[tuple[PredictedAction, str | None, str | None]] = [
        ("pool", None, None),
        ("harmonize", harmonizer, None),
        ("personalize", None, "lp_ft"),
        ("both", harmonizer, "lp_ft"),
        ("own_model", None, None),
    ]
    out = []
    for action, harmonizes, personalizes in methods if draw(st.booleans()) else ():
        low, mean, high = sorted(draw(st.lists(st.floats(-1, 1), min_size=3, max_size=3)))
        out.append(
            PredictedGain(
                action=action,
                harmonizer=harmonizes,
                personalizer=personalizes,
                gain=ExpectedGain(mean=mean, low=low, high=high),
                harm=draw(st.floats(0, 1)),
                cost=draw(st.sampled_from([1.0, 1.2, 2.0])),
            )
        )
    return out


@st.composite
def advices(draw: st.DrawFn) -> tuple[Advice, tuple[str, ...]]:
    """Anything that `recommend` could say, and the names of its sites."""
    names = tuple(draw(st.lists(NAMES, min_size=2, max_size=40, unique=True)))
    asked = draw(st.booleans())
    kind = draw(st.sampled_from(["none", "appearance", "structural", "mixed"])) if asked else "insufficient"

    def verdict() -> dict[str, AxisVerdict]:
        return {question: draw(answers()) if asked else AxisVerdict() for question in QUESTIONS}

    evidence = Evidence(
        question="appearance",
        measure="brightness",
        sites=names[-3:],
        n=(40, 80),
        says=f"'{names[-1]}' against all others ('{names[0]}', '{names[1]}'): brightness is 67 to 130 grey levels"
        " lower (40 against 106 to 170), 95 % [62, 134], n = 54 against 162, Cliff's delta 1.0 (large)",
    )
    diagnosis = Diagnosis(
        kind=kind,
        axes=verdict(),
        pairs=(PairVerdict(a=names[0], b=names[1], kind=kind, axes=verdict()),) if asked else (),
        by_site={name: Verdict(kind=kind, axes=verdict()) for name in names},
        evidence=(evidence,) if asked else (),
        removed=(),
        caveats=tuple(
            f"'{name}' is left out: 20 patients are needed, it has 12" for name in names[: draw(st.integers(0, 40))]
        ),
    )
    harmonizer = draw(st.sampled_from([None, *METHODS]))
    personalizer = draw(st.sampled_from([None, "fedper"]))
    actions = {(False, False): "pool", (True, False): "harmonize", (False, True): "personalize", (True, True): "both"}
    others = [
        Alternative(
            action=actions[one is not None, two is not None],
            harmonizer=one,
            personalizer=two,
            when=f"sites turn out to differ, as '{names[0]}' does",
        )
        for one in draw(st.lists(st.sampled_from([None, *METHODS]), max_size=3))
        for two in (None, "fedper")
    ]
    undecided = [
        f"whether '{name}' differs is not decided, confidence 0.6: about 340 patients a site would decide it, or a"
        " trial of the two, which costs less than that"
        for name in names[: draw(st.integers(0, 3))]
    ]
    unsure = asked and draw(st.booleans())
    recommendation = Recommendation(
        action="rehearse"
        if unsure
        else actions[harmonizer is not None, personalizer is not None]
        if asked
        else "collect_more",
        harmonizer=None if unsure else harmonizer,
        personalizer=None if unsure else personalizer,
        network=draw(st.sampled_from(["pretrained", "random", "frozen"])),
        predicted=tuple(draw(predicted_gains(harmonizer or "polarity"))) if asked else (),
        certainty=draw(st.none() | st.floats(0, 1)),
        because=tuple(f"quantile_spectrum removes 97% of the difference at '{name}'" for name in names[:8]),
        undecided=tuple(undecided),
        alternatives=tuple(others),
        cost=AdvisedCost(bytes=0, compute=1.0),
    )
    sites = tuple(SiteSize(site=name, patients=40, cases=40) for name in names)
    return Advice(sites=sites, diagnosis=diagnosis, recommendation=recommendation), names


@settings(max_examples=60, deadline=None)
@given(advices(), st.sampled_from([None, "plan.toml", "runs/of this year/federation.toml"]))
def test_any_advice_is_one_screen(made: tuple[Advice, tuple[str, ...]], plan: str | None) -> None:
    advice, names = made
    lines = require_screen(advice_sheet(advice, plan=plan), names)
    text = "\n".join(lines)
    assert lines[0].startswith(advice.diagnosis.kind)
    assert "--verbose" in lines[-1]
    for question, answer in advice.diagnosis.axes.items():
        if advice.diagnosis.kind != "insufficient":
            (row,) = [line for line in lines if line.startswith(f" {QUESTIONS[question].name} ")]
            assert QUESTIONS[question].literature.split()[0] in row
            assert (" to " in row) == (answer.effect is not None)
    if advice.recommendation.action == "rehearse":
        assert text.index("shiftscope rehearse") < text.index("--rehearsal")
        assert "shiftscope train" not in text
    assert ("shiftscope" in text) == (advice.recommendation.action != "collect_more")


@settings(max_examples=30, deadline=None)
@given(advices())
def test_verbose_breaks_no_number_and_no_name_either(made: tuple[Advice, tuple[str, ...]]) -> None:
    advice, names = made
    require_whole(drawn(advice_sheet(advice, verbose=True)), names)


def acting(advice: Advice) -> Advice:
    """The same, where it is sure what to do."""
    sure = {"action": "harmonize", "harmonizer": "quantile_spectrum", "undecided": (), "certainty": 0.95}
    return advice.model_copy(update={"recommendation": advice.recommendation.model_copy(update=sure)})


def test_the_first_screen_of_a_real_advice() -> None:
    advice = Advice.read(GOLDEN / "advice-1.json")
    lines = require_screen(advice_sheet(advice, plan="plan.toml"))
    assert lines[0] == "mixed: the sites differ in appearance and in structure"
    assert any("structure         population or manifestation  yes" in line for line in lines)
    assert any("shiftscope rehearse plan.toml --data SITE=DIR ..." in line for line in lines)
    sure = require_screen(advice_sheet(acting(advice), plan="plan.toml"))
    assert any("shiftscope train plan.toml --data SITE=DIR ..." in line for line in sure)
    assert not any("219.00" in line or "98.65" in line for line in lines)


def test_verbose_holds_what_the_first_screen_leaves_out() -> None:
    advice = Advice.read(GOLDEN / "advice-1.json")
    text = " ".join(" ".join(drawn(advice_sheet(advice, verbose=True))).split())
    for sentence in (*advice.recommendation.because, *advice.diagnosis.caveats):
        assert " ".join(sentence.split()) in text
    assert all(item.says.split(",")[0] in text for item in advice.diagnosis.evidence[:8])


def test_a_plan_that_was_not_written_is_the_first_step() -> None:
    advice = Advice.read(GOLDEN / "advice-1.json")
    for one, command in ((advice, "rehearse"), (acting(advice), "train")):
        notes = advice_sheet(one)[-1]
        assert isinstance(notes, Grid)
        steps = [row[1] for row in notes.rows]
        assert steps.index("shiftscope recommend ... -o plan.toml") < steps.index(
            f"shiftscope {command} plan.toml --data SITE=DIR ..."
        )


def test_a_name_with_spaces_and_an_apostrophe_stays_on_a_line() -> None:
    name = "St Mary's Hospital of the Holy Angels"
    advice = Advice.read(GOLDEN / "advice-1.json")
    diagnosis = advice.diagnosis.model_copy(
        update={"caveats": (f"each file counts as a patient at '{name}', '{name}', '{name}': be careful",)}
    )
    advice = advice.model_copy(  # leaves room: the table of predictions takes lines from the doubts
        update={"recommendation": advice.recommendation.model_copy(update={"predicted": ()})}
    )
    sites = (SiteSize(site=name, patients=40, cases=40), *advice.sites)
    lines = drawn(advice_sheet(advice.model_copy(update={"diagnosis": diagnosis, "sites": sites})))
    assert sum(line.count("'St Mary's Hospi...he Holy Angels'") for line in lines) >= 2
    assert sum(line.count("St Mary") for line in lines) == sum(line.count("Holy Angels'") for line in lines)


@pytest.mark.parametrize("width", [40, 60, 120, 200])
def test_other_widths_hold_it_too(width: int) -> None:
    advice = Advice.read(GOLDEN / "advice-1.json")
    assert max(map(len, drawn(advice_sheet(advice), width))) <= width
