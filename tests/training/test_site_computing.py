"""What a joined site counts before anything leaves it."""

from pathlib import Path

import pytest
import timm
from small_hospitals import plan_for, segmented
from small_orders import profile_order, small_order
from small_plans import planned_sites, small_plan

from shiftscope.errors import PlanError
from shiftscope.plans import Plan, Split
from shiftscope.profiles.profile_document import WITHHELD
from shiftscope.training.joined_sites.site_computing import SiteComputing


def counted(plan: Plan, data: Path, folder: Path) -> int:
    def never(*_asked: object) -> dict[str, object]:
        raise AssertionError("nobody asked for a profile")

    computing = SiteComputing("ashford", data, folder, "cpu", never)
    return computing.patients(small_order(plan=plan, sites=("ashford",)))


def test_patients_are_those_that_a_model_learns_from(tmp_path: Path) -> None:
    """A plan that trains on a patient or two is told so, however many the site has."""
    data = segmented(tmp_path, {"ashford": 1.0})["ashford"]
    plan = plan_for({"ashford": data})
    assert 10 <= counted(plan, data, tmp_path / "runs") <= 20
    few = plan.model_copy(update={"split": Split(train=0.05, val=0.05, test=0.9)})
    assert 1 <= counted(few, data, tmp_path / "few") <= 3
    folds = plan.model_copy(update={"folds": 3, "seeds": (0, 1, 2)})
    assert 12 <= counted(folds, data, tmp_path / "folds") <= 16


def test_weights_are_counted_before_anything_is_written(tmp_path: Path) -> None:
    """Of the encoder where the model is linear: that is what the machine has to hold."""
    runs = tmp_path / "runs"
    computing = SiteComputing("ashford", tmp_path / "no images yet", runs, "cpu", pytest.fail)
    sites = planned_sites(("ashford",), 40)
    unet = small_plan(task="segmentation", classes=(), model="unet", sites=sites)
    linear = small_plan(
        task="classification",
        classes=("x", "y"),
        model="linear",
        encoder="test_resnet",
        weights="w.safetensors",
        sites=sites,
    )
    with pytest.raises(PlanError, match="no plan"):
        computing.parameters(profile_order())
    counts = [computing.parameters(small_order(plan=plan, sites=("ashford",))) for plan in (unet, linear)]
    network = timm.create_model("test_resnet", num_classes=0)
    assert counts == [402_761, sum(each.numel() for each in network.parameters())]
    assert not runs.exists()


def test_other_images_than_were_profiled_are_not_counted(tmp_path: Path) -> None:
    data = segmented(tmp_path, {"ashford": 1.0, "bexley": 1.5})
    plan = plan_for({"ashford": data["ashford"]})
    with pytest.raises(PlanError, match="is not what was profiled"):
        counted(plan, data["bexley"], tmp_path / "runs")


def test_where_nobody_can_say_whether_they_are_the_same_the_site_is_told_so(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A private profile tells no fingerprint."""
    data = segmented(tmp_path, {"ashford": 1.0})["ashford"]
    plan = plan_for({"ashford": data})
    counted(plan, data, tmp_path / "runs")
    assert "told no fingerprint" not in caplog.text
    private = plan.model_copy(
        update={"sites": {"ashford": plan.sites["ashford"].model_copy(update={"fingerprint": WITHHELD})}}
    )
    assert counted(private, data, tmp_path / "private") >= 10
    assert f"nothing says whether {data} holds the images that were profiled" in caplog.text
