"""Arrays pass through Flower's records bit for bit, and errors lose their innards."""

import json
from dataclasses import dataclass
from io import BytesIO

import numpy as np
import pytest
import torch
from flwr.app import Array, ArrayRecord, ConfigRecord, Error, Message, RecordDict

from shiftscope.errors import EngineError
from shiftscope.training.federation.flower.inline import task_identity
from shiftscope.training.federation.flower.messages import failure_of, pack, refuse, size_of, unpack, weight_of
from shiftscope.training.federation.flower.site_nodes import Federation, WorkerDied
from shiftscope.training.federation.payloads import Payload


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
    payload = Payload({"w": np.zeros(1000, dtype=np.float32)}, {"mean": np.zeros(3)})
    assert size_of(pack(Payload())) == 0
    assert size_of(pack(payload)) == weight_of(payload) == 128 + 4000 + 128 + 24


def test_all_arrays_are_one_object() -> None:
    """Flower sends each by requests of its own."""
    content = pack(Payload({str(number): np.zeros(number) for number in range(50)}))
    assert [len(record) for record in content.array_records.values()] == [1]


def forged(index: object, data: bytes) -> RecordDict:
    whole = Array(dtype="uint8", shape=(len(data),), stype="shiftscope", data=data)
    facts = ConfigRecord({"json": "{}", "arrays": json.dumps(index)})
    return RecordDict({"arrays": ArrayRecord({"all": whole}), "facts": facts})


def npy(array: np.ndarray) -> bytes:
    file = BytesIO()
    np.save(file, array)
    return file.getvalue()


GOOD = npy(np.arange(6.0))
HUGE = GOOD.replace(b"(6,), }        ", b"(9999999999,), }")[: len(GOOD)]


@pytest.mark.parametrize(
    ("index", "data"),
    [
        ([["tensors", "w", len(GOOD) - 1]], GOOD),
        ([["tensors", "w", len(GOOD) + 1]], GOOD),
        ([["tensors", "w", -len(GOOD)]], GOOD),
        ([["tensors", "w", 0], ["tensors", "v", len(GOOD)]], GOOD),
        ([["tensors", "w", len(GOOD)]] * 2, 2 * GOOD),
        ([["others", "w", len(GOOD)]], GOOD),
        ([["tensors", ["w"], len(GOOD)]], GOOD),
        ([["tensors", "w", 1e400]], GOOD),
        ([["tensors", "w"]], GOOD),
        ({"tensors": 1}, GOOD),
        (7, GOOD),
        ([], GOOD),
        ([["tensors", "w", len(HUGE)]], HUGE),
        ([["tensors", "w", 100]], b"\x93NUMPY\x03\x00" + b"x" * 92),
        ([["tensors", "w", 100]], b"x" * 100),
    ],
)
def test_bytes_that_are_no_arrays_are_refused(index: object, data: bytes) -> None:
    assert HUGE != GOOD
    assert unpack(forged([["tensors", "w", len(GOOD)]], GOOD)).tensors["w"].tolist() == [0, 1, 2, 3, 4, 5]
    with pytest.raises(EngineError, match="a message that cannot be read"):
        unpack(forged(index, data))


def test_facts_that_lie_too_deep_are_refused() -> None:
    content = forged([["tensors", "w", len(GOOD)]], GOOD)
    content["facts"] = ConfigRecord({"json": "[" * 100_000, "arrays": content["facts"]["arrays"]})
    with pytest.raises(EngineError, match="a message that cannot be read"):
        unpack(content)


def test_objects_of_python_are_never_read() -> None:
    file = BytesIO()
    np.save(file, np.array([{}], dtype=object), allow_pickle=True)
    data = file.getvalue()
    with pytest.raises(EngineError, match="a message that cannot be read"):
        unpack(forged([["tensors", "w", len(data)]], data))


@pytest.mark.parametrize(
    ("reason", "said"),
    [
        ("ValueError, see sites/a/errors.log", "ValueError, see sites/a/errors.log"),
        ("<class 'ray.exceptions.ActorDiedError'>:<'The actor died\nat /home/x'>", "ActorDiedError"),
        ("<class 'ValueError'>", "ValueError"),
        (None, "error 2"),
        ("\n \x0b", "error 2"),
        ("\x1b[2Jevil\u202e\nmore", "\\x1b[2Jevil\\u202e"),
    ],
)
def test_a_failure_in_a_few_words(reason: str | None, said: str) -> None:
    assert failure_of(Error(code=2, reason=reason)) == said


@dataclass
class Asked:
    """Whom a coordinator asks; in a federation it knows their nodes."""

    nodes: dict[str, str]
    sites: tuple[str, ...] = ("a",)
    timeout_s: float = 1.0


def test_a_site_of_a_federation_that_says_a_process_died_ends_nobodys_run() -> None:
    """In the simulation it is Ray that says so, and nothing means anything from then on."""
    with task_identity():
        asked = Message(RecordDict(), dst_node_id=5, message_type="train")
        reply = refuse(asked, "ActorDiedError")
    reply.metadata.__dict__["_src_node_id"] = 5
    deployed, simulated = Federation(None, Asked({"a": "5"})), Federation(None, Asked({}))
    deployed.nodes = simulated.nodes = {"a": 5}
    assert deployed.collect([reply], {"a": Payload()}).failures == {"a": "ActorDiedError"}
    with pytest.raises(WorkerDied):
        simulated.collect([reply], {"a": Payload()})


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
