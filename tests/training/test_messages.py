"""Arrays pass through Flower's records bit for bit, and errors lose their innards."""

import numpy as np
import pytest
import torch
from flwr.app import Error, Message, RecordDict

from shiftscope.training.federation.flower.inline import task_identity
from shiftscope.training.federation.flower.messages import Payload, failure_of, pack, size_of, unpack


def test_what_is_packed_is_unpacked_bit_for_bit() -> None:
    weight = torch.randn(4, 3, 3, 3).to(memory_format=torch.channels_last).numpy()
    tensors = {"w": weight, "steps": np.array(7, dtype=np.int64), "half": np.array([np.pi], dtype=np.float16)}
    payload = Payload(tensors, {"quantiles": np.linspace(0, 1, 5)[None]}, {"arm": "baseline", "seed": 3, "none": None})
    again = unpack(pack(payload))
    for group, expected in ((again.tensors, tensors), (again.statistics, payload.statistics)):
        assert group.keys() == expected.keys()
        for name, array in expected.items():
            assert group[name].dtype == array.dtype
            assert group[name].shape == array.shape
            assert group[name].tobytes() == array.tobytes()
    assert again.facts == payload.facts
    assert unpack(pack(Payload())) == Payload()


def test_size_is_that_of_the_arrays() -> None:
    empty = size_of(pack(Payload()))
    assert 4000 < size_of(pack(Payload({"w": np.zeros(1000, dtype=np.float32)}))) - empty < 4300


@pytest.mark.parametrize(
    ("reason", "said"),
    [
        ("ValueError, see sites/a/errors.log", "ValueError, see sites/a/errors.log"),
        ("<class 'ray.exceptions.ActorDiedError'>:<'The actor died\nat /home/x'>", "ActorDiedError"),
        ("<class 'ValueError'>", "ValueError"),
        (None, "error 2"),
    ],
)
def test_a_failure_in_a_few_words(reason: str | None, said: str) -> None:
    assert failure_of(Error(code=2, reason=reason)) == said


def test_the_private_setting_flower_needs_is_still_there() -> None:
    """The canary: when an upgrade of Flower breaks this, `inline.task_identity` has to follow."""
    from flwr.supercore.task_identity import TaskIdentity

    with task_identity():
        message = Message(RecordDict(), dst_node_id=5, message_type="train")
        assert (message.metadata.src_node_id, message.metadata.run_id) == (1, 1)
    with pytest.raises(RuntimeError, match="is not set"):
        _ = TaskIdentity.run_id
    with pytest.raises(RuntimeError, match="is not set"):
        Message(RecordDict(), dst_node_id=5, message_type="train")
