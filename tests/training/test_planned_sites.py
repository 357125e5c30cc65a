"""Whose data these are is known from the data, not by the folder's name; what a plan cannot run is reported at once."""

from pathlib import Path
from shutil import copytree

import pytest
from small_hospitals import plan_for

from shiftscope.copies.site_fits import as_planned
from shiftscope.errors import PlanError
from shiftscope.plans import Plan, PlannedSite
from shiftscope.sites import read_site
from shiftscope.training.algorithms.families import CONTROLS, PERSONALIZERS
from shiftscope.training.arms import arm_of, at_equal_compute, gradients_of_arm
from shiftscope.training.data.model_inputs import read_planned
from shiftscope.training.launch import train
from shiftscope.training.plan_checks import check_plan
from shiftscope.training.run_options import RunOptions
from shiftscope.training.trials.strategies import choose_strategies, gradients_of


def test_a_folder_of_another_name_is_the_site_whose_data_it_holds(pair: dict[str, Path], tmp_path: Path) -> None:
    folder = tmp_path / "from the archive"
    copytree(pair["b"], folder)
    found = read_site(folder)
    named = as_planned(found, plan_for(pair))
    assert found.name == "from the archive"
    assert named.name == "b"
    assert named.cases == found.cases


def test_other_data_keep_their_own_name(pair: dict[str, Path], tmp_path: Path) -> None:
    folder = tmp_path / "guest"
    copytree(pair["b"], folder)
    (folder / "images" / "p000.png").unlink()
    (folder / "masks" / "p000.png").unlink()
    assert as_planned(read_site(folder), plan_for(pair)).name == "guest"


def test_a_name_of_the_plan_is_not_doubted(pair: dict[str, Path]) -> None:
    assert as_planned(read_site(pair["b"], name="a"), plan_for(pair)).name == "a"


def test_a_template_beside_the_data_is_read_again_for_training(pair: dict[str, Path], tmp_path: Path) -> None:
    """How files lie is in no plan: training finds it where profiling did, and then the same cases and masks."""
    folder = tmp_path / "b"
    for path in sorted((pair["b"] / "images").iterdir()):
        visit = folder / "archive" / path.stem
        visit.mkdir(parents=True)
        (visit / "picture.png").write_bytes(path.read_bytes())
        (visit / "drawn 1.png").write_bytes((pair["b"] / "masks" / path.name).read_bytes())
    (folder / "site.toml").write_text("layout = 'archive/{case}/picture.png'\nmask = 'archive/{case}/drawn *.png'\n")
    plan = plan_for(pair)
    again = read_planned(plan, "b", folder, patient_regex=None)
    before = read_planned(plan, "b", pair["b"], patient_regex=None)
    assert len(again.cases) == len(before.cases)
    for one, other in zip(again.cases, before.cases, strict=True):
        assert one.images[0].read_bytes() == other.images[0].read_bytes()
        assert [mask.read_bytes() for mask in one.masks] == [mask.read_bytes() for mask in other.masks]


def planned(**changes: object) -> Plan:
    """Two sites of 40 cases, in batches of four."""
    sites = {site: PlannedSite(fingerprint="", patients=40, cases=40) for site in "ab"}
    return plan_for({}, **{"sites": sites, "rounds": 10, "local_steps": 6, "seeds": (0, 1, 2), **changes})


def taken(plan: Plan, name: str, rounds: int = 10) -> int:
    """Per site and seed."""
    (strategy,), _ = choose_strategies(plan, [name])
    total = gradients_of(strategy, plan, rounds)
    assert total % 6 == 0
    return total // 6


@pytest.mark.parametrize("name", ["zscore", "fedprox", "scaffold", "fedadam", "local", "fedbn", "fedper", "fedrep"])
def test_one_pass_a_step(name: str) -> None:
    assert taken(planned(), name) == 60


@pytest.mark.parametrize("name", ["lp_ft", "fedbabu"])
def test_tuning_is_counted_once_and_computes_nothing_of_its_own(name: str) -> None:
    assert taken(planned(), name) == 60
    assert taken(planned(), name, rounds=2) == 12


def test_two_models_take_two_passes_a_step() -> None:
    assert taken(planned(), "ditto") == taken(planned(), "apfl") == 120
    assert taken(planned(), "perfedavg") == 119  # the last step, after the rounds, takes one


def test_fedala_takes_passes_over_the_cases_to_learn_where_to_start() -> None:
    few, many = (planned(split={"train": share, "val": 0.1, "test": 0.9 - share}) for share in (0.4, 0.8))
    assert taken(few, "fedala") == 60 + 10 * 4
    assert taken(many, "fedala") == 60 + 10 * 8


@pytest.mark.parametrize("rounds", [2, 3, 5, 10, 17])
@pytest.mark.parametrize("name", PERSONALIZERS)
def test_equal_compute_is_never_more_than_the_reference_takes(name: str, rounds: int) -> None:
    plan = planned(rounds=rounds)
    arm, reference = arm_of(plan, name, name, None), arm_of(plan, "baseline", "fedavg", None)
    less = at_equal_compute(plan, arm, reference)
    if less is None:
        assert gradients_of_arm(plan, arm) <= 1.05 * gradients_of_arm(plan, reference)
    else:
        assert less.rounds < rounds
        assert gradients_of_arm(plan, less) <= gradients_of_arm(plan, reference) or less.rounds == 1


@pytest.mark.parametrize("name", ["ditto", "apfl"])
def test_half_of_three_rounds_is_one(name: str) -> None:
    plan = planned(rounds=3)
    less = at_equal_compute(plan, arm_of(plan, name, name, None), arm_of(plan, "baseline", "fedavg", None))
    assert less is not None
    assert less.rounds == 1


@pytest.mark.parametrize("name", [name for name, one in {**CONTROLS, **PERSONALIZERS}.items() if one.least_steps > 1])
def test_one_local_step_is_too_few_for_some(name: str) -> None:
    plan = planned(local_steps=1)
    with pytest.raises(PlanError, match=rf"^local_steps: 1, and {name} needs 2 in a round; "):
        check_plan(plan, [arm_of(plan, name, name, None)])
    check_plan(plan, [arm_of(plan, "fedbn", "fedbn", None)])
    check_plan(planned(local_steps=2), [arm_of(plan, name, name, None)])


def test_those_are_fedrep_and_perfedavg() -> None:
    assert {name for name, one in PERSONALIZERS.items() if one.least_steps > 1} == {"fedrep", "perfedavg"}


def test_the_linear_model_cannot_resample(clinics: dict[str, Path]) -> None:
    features = {"task": "classification", "classes": ("large", "small"), "model": "linear", "image_size": 64}
    plan = plan_for(clinics, **features, harmonizer="resample")
    with pytest.raises(PlanError, match="resample works where images are read, and the linear model sees features"):
        check_plan(plan, [arm_of(plan, "adapted", "fedavg", "resample")])
    pixels = plan.model_copy(update={"model": "test_resnet"})
    check_plan(pixels, [arm_of(pixels, "adapted", "fedavg", "resample")])


def test_the_linear_model_cannot_mix_styles(clinics: dict[str, Path]) -> None:
    """Styles are mixed in batches of pixels in [0, 1]; features are neither."""
    classes = {"task": "classification", "classes": ("large", "small"), "image_size": 64}
    plan = plan_for(clinics, **classes, model="linear", harmonizer="mixstyle")
    with pytest.raises(PlanError, match="mixstyle changes images while training, and the linear model sees features"):
        check_plan(plan, [arm_of(plan, "adapted", "fedavg", "mixstyle")])
    pixels = plan.model_copy(update={"model": "test_resnet"})
    check_plan(pixels, [arm_of(pixels, "adapted", "fedavg", "mixstyle")])


def test_blocks_of_pictures_are_refused_when_they_are_read(pair: dict[str, Path], tmp_path: Path) -> None:
    plan = plan_for(pair, patch=(8, 16, 16))
    with pytest.raises(Exception, match=r"^no site could take part: InputError, see sites/a/errors.log"):
        train(plan, pair, RunOptions(engine="inline", out=tmp_path / "run"))
    for site in pair:
        log = (tmp_path / "run" / "sites" / site / "errors.log").read_text()
        assert f"site {site}: none of its images has more than one slice, and the plan's patch asks for volumes" in log
