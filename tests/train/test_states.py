"""What is written can be read back, bit for bit, and never half."""

from pathlib import Path

import numpy as np
import pytest

from shiftscope.plans import RoundEntry
from shiftscope.train import states
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

    def crash(_tensors: object, target: Path, **_rest: object) -> None:
        target.write_bytes(b"half a file")
        raise OSError("disk full")

    monkeypatch.setattr(states, "save_file", crash)
    with pytest.raises(OSError, match="disk full"):
        save_checkpoint(path, Checkpoint(2, tensors(2)))
    after = load_checkpoint(path)
    assert after is not None
    assert after.round == 1


def test_a_round_finds_the_state_before_it(tmp_path: Path) -> None:
    for number in range(1, 5):
        save_personal(tmp_path, number, Personal(tensors(number), {"steps": np.array(number)}))
    assert len(list(tmp_path.iterdir())) == states.KEPT_ROUNDS
    for before, expected in ((5, 4), (4, 3)):
        state = load_personal(tmp_path, before)
        assert state is not None
        assert state.home["n"] == expected
        assert state.memory["steps"] == expected
    assert load_personal(tmp_path, 3) is None
    assert load_personal(tmp_path / "absent", 9) is None


def test_nothing_personal_is_a_state_too(tmp_path: Path) -> None:
    save_personal(tmp_path, 1, Personal())
    assert load_personal(tmp_path, 2) == Personal({}, {})
