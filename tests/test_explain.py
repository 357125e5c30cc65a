"""`shiftscope explain`: every measure and axis says what it is, in 80 columns, without a heavy import."""

import json
import subprocess
import sys

import pytest

from shiftscope.measures import AXES, MEASURES
from shiftscope.measures.lesions import boundary
from shiftscope.measures.measure_groups import CAUSES
from shiftscope.reports.questions import QUESTIONS, question_heading
from shiftscope.reports.sheets.explain_sheet import explanations

FIELDS = (
    "question",
    "axis",
    "goes_with",
    "sentence",
    "formula",
    "unit",
    "range",
    "direction",
    "undefined",
    "reference",
)

BESIDE = {"labels": "label", "class_contrast": "concept"}
"""What is compared and measured of no image -> the question that it answers."""


@pytest.mark.parametrize("name", sorted({*MEASURES, *AXES, *BESIDE}))
def test_every_measure_and_axis_explains_itself(run, name: str) -> None:
    kinds = {"measure" * (name in MEASURES), "axis" * (name in AXES or name in BESIDE)} - {""}
    explained = json.loads(run("explain", name, "--format", "json").out)
    assert set(explained) == kinds
    for kind in kinds:
        for field in FIELDS:
            assert explained[kind][name][field].strip(), field
    drawn = run("explain", name)
    assert drawn.code == 0
    assert all(len(line) <= 80 for line in drawn.out.splitlines())
    flat = " ".join(drawn.out.split())
    if name in MEASURES:
        record = MEASURES[name]
        for part in (record.sentence, record.formula, record.unit, record.direction, record.undefined):
            assert " ".join(part.split()) in flat
        assert f"{record.range[0]:g} to {record.range[1]:g}" in flat
        assert record.reference.replace(" ", "") in drawn.out.replace(" ", "").replace("\n", "")
    else:
        assert explained["axis"][name]["question"] == (AXES[name].question if name in AXES else BESIDE[name])
    assert f"### {name}" in run("explain", name, "--format", "markdown").out


def test_without_a_name_all_are_told_a_line_each(run) -> None:
    lines = run("explain").out.splitlines()
    assert all(len(line) <= 80 for line in lines)
    firsts = [line.split()[0] for line in lines if line.startswith(" ")]
    titles = [line.strip() for line in lines if line and not line.startswith(" ")]
    keys = dict.fromkeys([axis.question for axis in AXES.values()] + [*BESIDE.values()])
    assert titles == [question_heading(key) for key in keys]
    assert sorted(name for name in firsts if name != "name") == sorted([*MEASURES, *AXES, *BESIDE])
    assert {kind: sorted(found) for kind, found in json.loads(run("explain", "--format", "json").out).items()} == {
        "axis": sorted([*AXES, *BESIDE]),
        "measure": sorted(MEASURES),
    }


def test_every_question_stands_beside_its_names_in_the_literature(run) -> None:
    for name, key in (
        ("texture", "appearance"),
        ("morphology", "structure"),
        ("labels", "label"),
        ("holes", "annotation"),
        ("class_contrast", "concept"),
    ):
        flat = " ".join(run("explain", name).out.split())
        assert f"{QUESTIONS[key].name} ({QUESTIONS[key].known_as})" in flat
        source = "doi:10.1016/j.patcog.2011.06.019" if key == "concept" else "doi:10.1038/s41467-020-17478-w"
        assert source in flat.replace(" ", "")


def test_a_plain_name_finds_its_axis_too(run) -> None:
    explained = json.loads(run("explain", "Brightness outside the lesion", "--format", "json").out)
    assert [*explained["axis"]] == ["intensity_outside"]


def test_every_published_measure_speaks_of_one_cause() -> None:
    """`empty` is not published: its mean is a count of patients."""
    listed = [name for causes in CAUSES.values() for names in causes.values() for name in names]
    assert sorted(listed) == sorted({*MEASURES} - {"empty"})
    by_name = {(item.kind, item.name): item for item in explanations()}
    for question, causes in CAUSES.items():
        for cause, names in causes.items():
            for name in names:
                item = by_name["measure", name]
                assert item.question == question
                assert item.goes_with.startswith(cause)
                assert set(names) - {name} == set(item.goes_with.removeprefix(cause).strip(": ").split(", ")) - {""}
    assert by_name["axis", "boundary"].goes_with == ", ".join(boundary.MEASURES)


@pytest.mark.parametrize(("wrong", "near"), [("sharpnes", "sharpness"), ("Log-Area", "log_area"), ("qqqq", "")])
def test_an_unknown_name_is_one_line_with_the_nearest(run, wrong: str, near: str) -> None:
    done = run("explain", wrong)
    assert done.code == 2
    assert not done.out
    assert len(done.err.splitlines()) == 1
    assert f"{wrong}: no such measure" in done.err
    assert (f"did you mean {near}" in done.err) if near else ("did you mean" not in done.err)


def test_explain_is_light_and_has_help_with_an_example(run) -> None:
    heavy = {"torch", "timm", "flwr", "sklearn", "pydicom", "scipy", "skimage"}
    code = (
        "import sys, shiftscope.cli as cli; sys.argv = ['shiftscope', 'explain', 'noise']\n"
        "try: cli.main()\n"
        f"finally: sys.stderr.write(','.join({heavy} & {{*sys.modules}}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr == ""
    assert "Example: shiftscope explain noise" in " ".join(run("explain", "--help").out.split())
