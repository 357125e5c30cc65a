"""What is written can be read back, bit for bit, and never half."""

import os
from collections.abc import Collection
from pathlib import Path

import numpy as np
import pytest

from shiftscope.errors import EngineError
from shiftscope.plans import RoundEntry
from shiftscope.train.states import (
    Checkpoint,
    Evaluation,
    Personal,
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
    word = Evaluation(
        cases=4, scores={"dice": 0.5, "surface_px": None}, ungated={"dice": 0.5}, validation={"dice": None}
    )
    before = Checkpoint(3, tensors(1), {"momentum": np.zeros(2)}, [entry], {"a": word}, 12)
    save_checkpoint(tmp_path / "deep" / "x.safetensors", before)
    after = load_checkpoint(tmp_path / "deep" / "x.safetensors")
    assert after is not None
    assert (after.round, after.entries, after.evaluation, after.evaluation_bytes) == (3, [entry], {"a": word}, 12)
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
    with pytest.raises(OSError, match="disk full"):
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
            Personal(
                tensors(number),
                {"steps": np.array(number)},
            ),
            number - 1,
        )
    for accepted in (2, 3):
        state = load_personal(tmp_path, accepted)
        assert state.home["n"] == accepted
        assert state.memory["steps"] == accepted
    assert load_personal(tmp_path, 0) == Personal()
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
        save_personal(tmp_path, number, Personal(tensors(number)), accepted)
        assert kept(tmp_path) == sorted({accepted, number} - {0})
        accepted = accepted if number in lost else number


def test_a_round_that_ends_after_the_next_one_deletes_nothing_of_it(tmp_path: Path) -> None:
    save_personal(tmp_path, 1, Personal(tensors(1)), 0)
    save_personal(tmp_path, 3, Personal(tensors(3)), 1)
    save_personal(tmp_path, 2, Personal(tensors(2)), 1)
    assert load_personal(tmp_path, 3).home["n"] == 3
    save_personal(tmp_path, 4, Personal(tensors(4)), 3)
    assert kept(tmp_path) == [3, 4]


def test_nothing_personal_is_a_state_too(tmp_path: Path) -> None:
    save_personal(tmp_path, 1, Personal(), 0)
    assert load_personal(tmp_path, 1) == Personal({}, {})


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
