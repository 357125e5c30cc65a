"""The page: all sections, nothing fetched, nothing unescaped, small, and the same for the same files."""

import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from decided_runs import decided_run
from page_outline import Outline

from shiftscope.plans import Difference, Needed, PlannedGain, network_of, propose_plan
from shiftscope.profiles import Profile
from shiftscope.recommendation import AdviceBasis, advise, load_policy
from shiftscope.reports.html import MOST_BYTES, Material, gallery, read_material, render
from shiftscope.reports.html.material import SharedFile
from shiftscope.reports.html.training_section import mismatches
from shiftscope.reports.wrapping import GLUE

EVIL = '<script>alert("x")</script>&\'"'


@pytest.fixture(scope="module")
def page(material: Material) -> str:
    return render(material)


def test_every_section_is_there_with_one_h1(page: str) -> None:
    outline = Outline(page)
    assert outline.tags.count("h1") == 1
    for landmark in ("header", "nav", "main", "footer"):
        assert outline.tags.count(landmark) == 1
    for key in ("todo", "why", "sites", "look", "harmonizing", "participants", "privacy", "reading"):
        assert key in outline.ids
    assert "images" not in outline.ids
    assert "training" not in outline.ids


def test_the_verdict_comes_before_everything_else(page: str, material: Material) -> None:
    assert material.advice is not None
    first = re.search(r'<p class="verdict">(.*?)</p>', page)
    assert first is not None
    assert first[1].startswith("The sites differ in appearance")
    assert "the advice is to" in first[1]
    assert first[1].count(". ") == 0
    assert page.index("verdict") < page.index("<section")


def test_ids_are_unique_and_every_pointer_has_its_target(page: str) -> None:
    outline = Outline(page)
    assert len(outline.ids) == len(set(outline.ids))
    assert {*outline.targets} <= {*outline.ids}


def test_nothing_is_fetched_and_no_program_runs(page: str) -> None:
    outline = Outline(page)
    assert "script" not in outline.tags
    assert all(source.startswith("data:") for source in outline.fetched)
    assert not re.search(r"https?://", page)
    assert not re.search(r"url\((?!#)", page)
    assert "@import" not in page
    assert "default-src 'none'" in page


def test_it_is_small_and_the_same_twice(page: str, profile_files: list[Path]) -> None:
    assert len(page.encode()) < MOST_BYTES / 2
    assert render(read_material(profile_files[::-1])) == page


def test_every_figure_has_a_name_a_description_and_its_numbers(page: str) -> None:
    drawings = re.findall(r"<svg.*?</svg>", page, flags=re.S)
    assert len(drawings) >= 10
    for drawing in drawings:
        assert re.search(r'role="img"', drawing)
        assert re.search(r"<title[^>]*>[^<]+</title><desc[^>]*>[^<]+</desc>", drawing)
    assert page.count('<details class="data"><summary>Numbers behind') == len(drawings)


def test_drawings_take_their_colours_from_the_page(page: str) -> None:
    for drawing in re.findall(r"<svg.*?</svg>", page, flags=re.S):
        assert "var(--" in drawing
        assert not re.findall(r"(?:fill|stroke):\s*#", drawing)
        assert "font-family" not in drawing


def test_numbers_come_with_interval_and_n(page: str, material: Material) -> None:
    assert material.advice is not None
    answer = material.advice.diagnosis.axes["appearance"]
    assert answer.low is not None
    assert answer.high is not None
    assert answer.effect == pytest.approx(27, abs=0.5)
    low, high = f"{answer.low:.0f}", f"{answer.high:.0f}"
    assert f"effect 27, 95 % {low} to {high}, n = " in page.replace("\u00a0", " ")
    assert f"<b>27</b><span>{low} to {high}</span><span>yes</span>" in page
    assert "not asked" in page  # there are no masks


def test_the_bytes_told_are_the_bytes_of_the_files(page: str, profile_files: list[Path]) -> None:
    for path in profile_files:
        assert f"{path.stat().st_size:,}" in page
    table = re.search(r"What is in them, in bytes</caption>(.*?)</table>", page, flags=re.S)
    assert table is not None
    rows = [re.findall(r'class="number">([\d,]+)<', row) for row in table[1].split("<tr>")[2:]]
    counts = np.array([[int(cell.replace(",", "")) for cell in row] for row in rows])
    assert (counts[:-1].sum(axis=0) == counts[-1]).all()
    assert (counts[:-1] >= 0).all()


def test_names_are_text_wherever_they_come_from(material: Material) -> None:
    """A site's name stands in tables, drawings, sentences and labels."""
    files = []
    for item in material.files:
        values = json.loads(json.dumps(item.profile.to_dict()))
        values["site"] = EVIL + values["site"]
        values["acquisition"]["scanner"] = {EVIL: values["patients"]}
        files.append(values)
    page = render(_read(files))
    outline = Outline(page)
    assert "script" not in outline.tags
    assert EVIL in outline.text
    assert "alert" not in re.sub(r"&lt;script&gt;alert", "", page.replace("<title>", ""))


def _read(values: list[dict[str, object]]) -> Material:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        paths = []
        for index, item in enumerate(values):
            path = Path(folder) / f"{index}.profile.json"
            path.write_text(json.dumps(item))
            paths.append(path)
        return read_material(paths)


def test_one_site_alone_is_shown_without_a_comparison(profile_files: list[Path]) -> None:
    page = render(read_material(profile_files[:1]))
    outline = Outline(page)
    assert "nobody to compare it with" in page
    assert "why" not in outline.ids
    assert {"look", "privacy", "reading"} <= {*outline.ids}
    assert {*outline.targets} <= {*outline.ids}


def test_too_few_patients_are_told_as_that(profile_files: list[Path]) -> None:
    profiles = [Profile.read(path) for path in profile_files]
    small = [
        SharedFile(item.model_copy(update={"patients": 12, "sketches": dict.fromkeys(item.sketches)}), 1, "0" * 64)
        for item in profiles
    ]
    from shiftscope.recommendation import advise

    material = Material(tuple(small), advise([item.profile for item in small]), {})
    page = render(material)
    assert "Too few patients to tell" in page
    assert "too few patients: 12" in page


def test_training_is_told_with_intervals_worst_and_harmed(
    material: Material, run_result, profile_files, run_file
) -> None:
    page = render(read_material(profile_files, run_file))
    advice = advise(material.profiles, AdviceBasis(load_policy(), network_of(run_result.plan)))
    shown = replace(material, advice=advice, result=run_result, plan=run_result.plan)
    assert render(shown) == page
    for site, scores in run_result.sites.items():
        assert site in page
        assert f"{scores.difference.mean:+.3f}" in page
        assert f"{scores.difference.low:+.3f} to {scores.difference.high:+.3f}" in page
    assert "Sites harmed: none is shown to be" in page
    assert "in training: whether the advice pays is not decided." in page
    assert "is in the plan, and no profile of it was given" in page


def test_each_sites_own_model_is_told_beside_the_advice(material: Material) -> None:
    run = decided_run(("take_part", "alone", "undecided"), "undecided", needed=Needed(patients=240))
    page = Outline(render(replace(material, result=run, plan=run.plan)))
    text = page.text.replace(GLUE, " ")
    assert "in training: whether the advice pays is not decided." in text
    assert "About 240 patients at all sites would decide it; more seeds alone cannot." in text
    assert "Does taking part pay: 1 of 3 sites gains by it, 1 does better alone, 1 undecided." in text
    assert "So take fedavg, which is cheaper, until more is known; let 'b' stay alone" in text
    assert "The advice was trained beside its baseline and each site's own model, on one budget" in text
    assert {"differences-desc", "gains-desc"} <= set(page.ids)
    assert "The shared model less the site's own, dice, site by site" in text
    assert "+0.000 to +0.100" in text
    assert "take part with an own model" not in text


def test_a_run_without_advice_shows_whether_taking_part_pays(material: Material) -> None:
    run = decided_run(("take_part", "own_model"), advised=False, plan={"folds": 5, "seeds": "auto"}, seeds=(0, 1, 2))
    page = Outline(render(replace(material, result=run, plan=run.plan)))
    text = page.text.replace(GLUE, " ")
    assert "; in training:" not in text
    assert "In training, fedavg without advice, n = 24 test cases, " in text
    assert "Does taking part pay: 2 of 2 sites gain by it (1 with an own model)." in text
    assert "The baseline was trained beside each site's own model, on one budget" in text
    assert "until it is decided, looked at after 5, 10" in text
    assert "5 folds, so that every patient is tested on" in text
    assert "gains-desc" in page.ids
    assert "differences-desc" not in page.ids
    assert "take part with an own model" in text


def test_profiles_plan_and_result_that_do_not_fit_are_reported(material: Material) -> None:
    assert material.advice is not None
    plan = propose_plan(material.profiles, material.advice.recommendation, "x")
    assert mismatches(replace(material, plan=plan)) == []
    other = plan.sites["east"].model_copy(update={"fingerprint": "0" * 64})
    sites = {"bright": plan.sites["bright"], "east": other, "north": other}
    changed = plan.model_copy(update={"sites": sites, "personalizer": "ditto"})
    assert mismatches(replace(material, plan=changed)) == [
        "'north' is in the plan, and no profile of it was given.",
        "'west' has a profile, and is not in the plan.",
        "The images of 'east' were others when the plan was made: fingerprints differ.",
        "The plan does something else than is advised here.",
    ]


def test_a_run_of_many_strategies_is_reported(profile_files: list[Path], run_file: Path) -> None:
    many = run_file.parent / "portfolio" / "breast_us.json"
    page = render(read_material(profile_files, many))
    outline = Outline(page)
    assert "quantile_map + ditto" in page
    assert "seconds of computing" in page
    assert len(outline.ids) == len(set(outline.ids))
    assert len(page.encode()) < MOST_BYTES


def test_private_profiles_tell_their_promise(material: Material) -> None:
    from shiftscope.profiles.profile_document import Privacy

    promise = Privacy(epsilon=4.0, delta=1e-6, mechanism="", clipped={}, count_noise=3.0, label_noise=4.0)
    files = tuple(
        replace(item, profile=item.profile.model_copy(update={"privacy": promise})) for item in material.files
    )
    page = render(replace(material, files=files))
    assert "epsilon 4" in page
    assert "None of these profiles carries differential privacy" not in page


def test_images_come_with_a_banner_and_without_names(material: Material) -> None:
    rng = np.random.default_rng(0)
    grey, colour = rng.random((400, 300)), rng.random((40, 60, 3))
    shown = gallery("east", [(grey, grey > 0.5, 2.0), (colour, None, 1.0)])
    page = render(material, shown)
    assert page.count("<img ") == 2
    assert "must not leave the hospital" in page
    assert page.index("must not leave the hospital") < page.index("<h1")
    assert max(shown.pictures[0].width, shown.pictures[0].height) <= 320
    assert shown.pictures[0].height / shown.pictures[0].width == pytest.approx(800 / 300, rel=0.02)
    assert len(page.encode()) < MOST_BYTES


def test_every_expected_gain_is_drawn_and_its_numbers_stand_beside_it(page: str, material: Material) -> None:
    assert material.advice is not None
    predicted = material.advice.recommendation.predicted
    assert predicted
    assert "predicted-title" in page
    text = " ".join(Outline(page).text.split())
    assert "What each action is expected to gain" in text
    for item in predicted:
        assert f"{item.gain.mean:+.3f} {item.gain.low:+.3f} to {item.gain.high:+.3f} {item.harm:.0%}" in text
    assert "measured:" not in text


def test_the_measured_gain_stands_beside_the_predicted_one(material: Material) -> None:
    expected = PlannedGain(harmonizer="zscore", personalizer="fedper", mean=0.02, low=0.0, high=0.04)
    measured = Difference(mean=0.06, low=0.05, high=0.07)
    run = decided_run(("take_part",) * 3, plan={"predicted": expected}, difference=measured)
    text = " ".join(Outline(render(replace(material, result=run))).text.split())
    says = "redicted +0.020, 80 % [+0.000, +0.040]; measured +0.060, 95 % [+0.050, +0.070]: more than predicted"
    another = "The plan was made with a rehearsal or by another version: what it predicted is not what is drawn here."
    assert text.replace(GLUE, " ").count(says) == 3  # at the top, beside the drawing, in the run's result
    assert another in text.replace(GLUE, " ")
    assert "measured: zscore + fedper +0.060 +0.050 to +0.070 (95 %)" in text
    other = decided_run(("take_part",) * 3, difference=measured)
    assert "measured:" not in Outline(render(replace(material, result=other))).text


def test_a_plan_of_other_advice_is_named_before_its_verdict(material: Material) -> None:
    """The page's advice is from profiles; a plan that was edited, or made after a rehearsal, had another."""
    assert material.advice is not None
    drawn = next(item for item in material.advice.recommendation.predicted if item.action == "harmonize")
    gain = drawn.gain
    promised = PlannedGain(harmonizer=drawn.harmonizer, mean=gain.mean, low=gain.low, high=gain.high)
    keys = {"harmonizer": drawn.harmonizer, "personalizer": None, "predicted": promised}
    run = decided_run(("take_part",) * 3, plan=keys)
    text = " ".join(Outline(render(replace(material, result=run))).text.replace(GLUE, " ").split())
    assert "In training: predicted" in text
    assert "what it predicted is not what is drawn here" not in text
    same = (material.advice.recommendation.harmonizer, material.advice.recommendation.personalizer)
    assert same != (drawn.harmonizer, None)
    assert f"; the plan's was {drawn.harmonizer}; in training: the advice paid." in text
