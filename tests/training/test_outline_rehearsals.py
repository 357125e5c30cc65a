"""A rehearsal of outlines: maps of a random encoder, heads a pixel, Dice of each case."""

from pathlib import Path

import pytest
from small_hospitals import plan_for, segmented
from small_rehearsals import Rehearsed, rehearsed_on, weights_at

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def rehearsed(tmp_path_factory: pytest.TempPathFactory) -> Rehearsed:
    root = tmp_path_factory.mktemp("outlines")
    data = segmented(root / "data", {"a": 1.0, "b": 1.0}, cases=20)
    plan = plan_for(data, model="smp.Unet", encoder="test_resnet", weights=str(weights_at(root)), image_size=32)
    return rehearsed_on(plan, data, root / "run", ("zscore",))


def test_every_strategy_is_judged_by_dice(rehearsed: Rehearsed) -> None:
    result = rehearsed.result
    assert result.metric == "dice"
    assert "balanced" not in [each.name for each in result.strategies]
    assert "balanced" in result.left_out
    for each in result.strategies:
        assert each.score is not None
        assert each.sites.keys() == {"a", "b"}
    assert 0.5 < (result.strategies[0].score or 0.0) <= 1
    assert result.strategy("shrinkage").gain.low is not None


def test_what_leaves_are_heads_weights_and_a_covariance(rehearsed: Rehearsed) -> None:
    allowed = {"train.heads": {(15, 369, 2), (5, 369, 2)}, "query.weights": {(5, 2)}, "evaluate.heads": {(8, 1, 8, 1)}}
    for site in ("a", "b"):
        for question, answer in rehearsed.sent(site):
            assert not answer.statistics
            assert {array.shape for array in answer.tensors.values()} <= allowed.get(question, set())


def test_maps_are_kept_at_the_site(rehearsed: Rehearsed) -> None:
    kept = {path.name for path in Path(rehearsed.job.home("a"), "rehearsal").glob("*.safetensors")}
    assert {"plain.safetensors", "zscore.safetensors"} <= kept
