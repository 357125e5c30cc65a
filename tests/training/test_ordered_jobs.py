"""What a site makes of an order, before it looks at an image."""

from pathlib import Path

import pytest
from small_orders import PLAN, small_order

from shiftscope.errors import PlanError
from shiftscope.federations.orders import Order
from shiftscope.training.joined_sites.ordered_jobs import job_of


def made(order: Order, folder: Path) -> None:
    job = job_of(order, "ashford", folder / "data", folder / "runs", "cpu")
    assert job.data == {"ashford": str(folder / "data")}
    assert job.out == folder / "runs" / order.run


def test_a_run_goes_on_with_the_plan_that_began_it(tmp_path: Path) -> None:
    made(small_order(), tmp_path)
    made(small_order(nonce="1" * 32), tmp_path)
    changed = small_order(nonce="2" * 32, plan=PLAN.model_copy(update={"learning_rate": 0.5}))
    with pytest.raises(PlanError, match="begun with another plan"):
        made(changed, tmp_path)
    made(changed.model_copy(update={"run": "3" * 32}), tmp_path)


def test_weights_are_named_by_what_is_in_them(tmp_path: Path) -> None:
    """Else an order could start a model from any file that lies at the hospital."""
    file = tmp_path / "model.safetensors"
    file.write_bytes(b"another federation's")
    with pytest.raises(PlanError, match="without weights_sha256"):
        made(small_order(plan=PLAN.model_copy(update={"weights": str(file)})), tmp_path)
    other = PLAN.model_copy(update={"weights": str(file), "weights_sha256": "0" * 64})
    with pytest.raises(PlanError, match="0000"):
        made(small_order(plan=other), tmp_path)
