"""What is written can be read back, bit for bit, and never half."""

import os
import struct
from collections.abc import Collection
from pathlib import Path

import numpy as np
import pytest

from shiftscope.errors import EngineError, ShiftscopeError
from shiftscope.plans import RoundEntry
from shiftscope.training.runs.array_files import require_alike
from shiftscope.training.runs.states import (
    Checkpoint,
    PersonalState,
    ReceivedEvaluation,
    load_checkpoint,
    load_personal,
    save_checkpoint,
    save_personal,
)


def tensors(seed: int) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    return {"w/x": rng.normal(size=(2, 3)).astype(np.float32), "n": np.array(seed, dtype=np.int64)}


def test_checkpoints_round_trip(tmp_path: Path) -> None:
    entry = RoundEntry(round=3, arm="baseline", seed=1, replies={"a": "ok"}, loss=0.25, bytes=7, seconds=1.5)
    evaluation = ReceivedEvaluation(
        cases=4, scores={"dice": 0.5, "surface_px": None}, ungated={"dice": 0.5}, validation={"dice": None}
    )
    before = Checkpoint(3, tensors(1), {"momentum": np.zeros(2)}, [entry], {"a": evaluation}, 12)
    save_checkpoint(tmp_path / "deep" / "x.safetensors", before)
    after = load_checkpoint(tmp_path / "deep" / "x.safetensors")
    assert after is not None
    assert (after.round, after.entries, after.evaluation, after.evaluation_bytes) == (3, [entry], {"a": evaluation}, 12)
    for name, array in before.shared.items():
        np.testing.assert_array_equal(after.shared[name], array)
        assert after.shared[name].shape == array.shape
        assert after.shared[name].dtype == array.dtype
    assert after.memory.keys() == {"momentum"}
    assert load_checkpoint(tmp_path / "absent") is None


def test_a_crash_while_writing_leaves_the_old_checkpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "x.safetensors"
    save_checkpoint(path, Checkpoint(1, tensors(1)))

    def crash(_descriptor: int) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(os, "fsync", crash)
    with pytest.raises(ShiftscopeError, match="disk full"):
        save_checkpoint(path, Checkpoint(2, tensors(2)))
    after = load_checkpoint(path)
    assert after is not None
    assert after.round == 1


def kept(folder: Path) -> list[int]:
    return sorted(int(path.stem.removeprefix("round-")) for path in folder.iterdir())


def test_the_state_of_the_accepted_round_is_found_and_no_other(tmp_path: Path) -> None:
    for number in (1, 2, 3):
        save_personal(
            tmp_path,
            number,
            PersonalState(
                tensors(number),
                {"steps": np.array(number)},
            ),
            number - 1,
        )
    for accepted in (2, 3):
        state = load_personal(tmp_path, accepted)
        assert state.home["n"] == accepted
        assert state.memory["steps"] == accepted
    assert load_personal(tmp_path, 0) == PersonalState()
    said = r"round-00001.safetensors: no such file, and round 1 .* kept here: round-00002, round-00003; put the file"
    with pytest.raises(EngineError, match=said):
        load_personal(tmp_path, 1)
    with pytest.raises(EngineError, match=r"round-00009.safetensors: no such file.* kept here: none"):
        load_personal(tmp_path / "absent", 9)


@pytest.mark.parametrize("lost", [(), (3,), (4, 5, 6), range(8, 40), range(1, 40)])
def test_two_states_are_kept_whatever_is_lost(lost: Collection[int], tmp_path: Path) -> None:
    accepted = 0
    for number in range(1, 40):
        assert accepted == 0 or load_personal(tmp_path, accepted).home["n"] == accepted
        save_personal(tmp_path, number, PersonalState(tensors(number)), accepted)
        assert kept(tmp_path) == sorted({accepted, number} - {0})
        accepted = accepted if number in lost else number


def test_a_round_that_ends_after_the_next_one_deletes_nothing_of_it(tmp_path: Path) -> None:
    save_personal(tmp_path, 1, PersonalState(tensors(1)), 0)
    save_personal(tmp_path, 3, PersonalState(tensors(3)), 1)
    save_personal(tmp_path, 2, PersonalState(tensors(2)), 1)
    assert load_personal(tmp_path, 3).home["n"] == 3
    save_personal(tmp_path, 4, PersonalState(tensors(4)), 3)
    assert kept(tmp_path) == [3, 4]


def test_nothing_personal_is_a_state_too(tmp_path: Path) -> None:
    save_personal(tmp_path, 1, PersonalState(), 0)
    assert load_personal(tmp_path, 1) == PersonalState({}, {})


def test_the_account_tells_which_round_was_accepted_last() -> None:
    """Also in a checkpoint that was written before anybody asked."""
    replies = ({"a": "ok", "b": "ok"}, {"a": "ok", "b": "failed: no answer within 7 s"}, {"a": "failed: ValueError"})
    entries = [
        RoundEntry(round=number, arm="x", seed=0, replies=words, loss=None, bytes=0, seconds=0)
        for number, words in enumerate(replies, start=1)
    ]
    state = Checkpoint(3, {}, entries=entries)
    assert [state.accepted(site) for site in "abc"] == [2, 1, 0]
    assert Checkpoint(0, {}).accepted("a") == 0


def header(text: str, body: bytes = b"") -> bytes:
    return struct.pack("<Q", len(text)) + text.encode() + body


DAMAGED = {
    "nothing": b"",
    "text": b"weights",
    "a header without an end": struct.pack("<Q", 2**63) + b"{}",
    "no account": header("{}"),
    "a key in no group": header('{"w": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}', b"0000"),
    "numbers numpy has not": header(
        '{"shared/w": {"dtype": "F8_E4M3", "shape": [4], "data_offsets": [0, 4]}}', b"0000"
    ),
    "an account of something else": header('{"__metadata__": {"shiftscope": "{\\"round\\": -1}"}}'),
}


@pytest.mark.parametrize("data", DAMAGED.values(), ids=DAMAGED)
def test_damaged_checkpoints_are_reported(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "x.safetensors"
    path.write_bytes(data)
    with pytest.raises(EngineError, match="x.safetensors: expected tensors as a run keeps them.*put the file back"):
        load_checkpoint(path)


@pytest.mark.timeout(20)
def test_no_checkpoint_is_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "x.safetensors")
    with pytest.raises(EngineError, match="pipe or a device"):
        load_checkpoint(tmp_path / "x.safetensors")


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"n": None}, "'n' is in one of file and model only"),
        ({"extra": np.zeros(1)}, "'extra' is in one of"),
        ({"w/x": np.zeros((3, 2))}, r"w/x has shape \(3, 2\), not \(2, 3\)"),
        ({"w/x": np.full((2, 3), np.nan)}, "w/x holds numbers that are not finite"),
    ],
)
def test_tensors_of_another_model_are_reported(changed: dict[str, np.ndarray | None], says: str) -> None:
    kept = {name: array for name, array in {**tensors(1), **changed}.items() if array is not None}
    with pytest.raises(EngineError, match=says):
        require_alike(Path("x"), kept, tensors(2))
    require_alike(Path("x"), tensors(1), tensors(2))
