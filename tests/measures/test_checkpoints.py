"""Weights from files: what is read, what is refused, and that no file runs anything."""

import os
import pickle
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import timm
import torch
from safetensors.torch import save_file

from shiftscope.errors import UsageError
from shiftscope.measures.features.checkpoints import check_loaded, read_checkpoint
from shiftscope.measures.features.extractors import load_extractor


class Evil:
    """A pickle that makes a folder when it is opened."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Callable[[str], None], tuple[str]]:
        return (os.mkdir, (str(self.mark),))


def state(name: str = "test_resnet") -> dict[str, torch.Tensor]:
    weights: dict[str, torch.Tensor] = timm.create_model(name).state_dict()
    return weights


def test_safetensors_and_plain_checkpoints_hold_the_same(tmp_path: Path) -> None:
    weights = state()
    save_file(weights, tmp_path / "a.safetensors")
    torch.save(weights, tmp_path / "b.pth")
    torch.save({"state_dict": {f"module.{name}": value for name, value in weights.items()}}, tmp_path / "c.pt")
    for file in ("a.safetensors", "b.pth", "c.pt"):
        read = read_checkpoint(tmp_path / file)
        assert read.keys() == weights.keys()
        assert all(torch.equal(read[name], weights[name]) for name in weights)


def test_a_file_that_would_run_code_is_refused_and_does_not(tmp_path: Path) -> None:
    evil = Evil(tmp_path / "ran")
    pickle.loads(pickle.dumps(evil))
    assert (tmp_path / "ran").is_dir()  # it would
    (tmp_path / "ran").rmdir()
    torch.save({"state_dict": evil}, tmp_path / "a.pth")
    (tmp_path / "b.pth").write_bytes(pickle.dumps(evil))
    (tmp_path / "c.safetensors").write_bytes(pickle.dumps(evil))
    np.save(tmp_path / "d.npy", np.array([evil], dtype=object), allow_pickle=True)
    torch.save({**state(), "args": evil}, tmp_path / "e.bin")
    for file in ("a.pth", "b.pth", "c.safetensors", "d.npy", "e.bin"):
        with pytest.raises(ValueError, match="expected safetensors or a checkpoint of tensors alone") as caught:
            read_checkpoint(tmp_path / file)
        assert "weights_only=False" not in str(caught.value)  # torch's advice to trust the file
        with pytest.raises(UsageError, match="no usable weights in"):
            load_extractor("test_resnet", tmp_path / file)
        assert not (tmp_path / "ran").exists()


def test_files_that_hold_no_weights_are_reported(tmp_path: Path) -> None:
    (tmp_path / "folder.pth").mkdir()
    for suffix in (".pth", ".safetensors"):
        (tmp_path / f"empty{suffix}").write_bytes(b"")
        (tmp_path / f"text{suffix}").write_text("not a checkpoint, but some words")
    save_file(state(), tmp_path / "whole.safetensors")
    torch.save(state(), tmp_path / "whole.pth")
    for whole in (tmp_path / "whole.safetensors", tmp_path / "whole.pth"):
        whole.with_stem("cut").write_bytes(whole.read_bytes()[:-2000])
        whole.unlink()
    torch.save({}, tmp_path / "nothing.pth")
    torch.save([1, 2], tmp_path / "list.pth")
    torch.save({"epoch": 3, **state()}, tmp_path / "mixed.pth")
    torch.save(timm.create_model("test_resnet"), tmp_path / "module.pth")  # a whole network is code
    np.savez(tmp_path / "arrays.npz", a=np.zeros(3))
    files = [*sorted(tmp_path.iterdir()), tmp_path / "absent.pth"]
    assert len(files) == 13
    for file in files:
        with pytest.raises(ValueError, match=r"^(no such file|a folder, expected|expected)") as caught:
            read_checkpoint(file)
        assert "\n" not in str(caught.value)


def test_bytes_that_changed_are_read_or_refused(tmp_path: Path) -> None:
    file = tmp_path / "a.pth"
    torch.save({"state_dict": {"a": torch.zeros(20), "b": torch.ones(3, 4)}, "args": 1}, file)
    good, rng, refused = file.read_bytes(), np.random.default_rng(0), 0
    for _ in range(200):
        broken = bytearray(good)
        for place in rng.integers(0, len(good), 3):
            broken[int(place)] = int(rng.integers(256))
        file.write_bytes(bytes(broken))
        try:
            read_checkpoint(file)
        except ValueError:
            refused += 1
    assert 20 < refused < 200


def test_weights_of_another_network_are_reported(tmp_path: Path) -> None:
    """timm would go on with random weights, without a word."""
    for name in ("resnet10t", "test_vit"):
        save_file(state(name), tmp_path / "other.safetensors")
        with pytest.raises(UsageError, match="no usable weights in"):
            load_extractor("test_resnet", tmp_path / "other.safetensors")
    weights = state()
    half = dict(list(weights.items())[: len(weights) // 2])
    save_file(half, tmp_path / "half.safetensors")
    with pytest.raises(UsageError, match=r"of another network: \d+ of \d+ layers are in it"):
        load_extractor("test_resnet", tmp_path / "half.safetensors")


def test_names_and_precision_of_a_file_do_not_matter() -> None:
    network = timm.create_model("test_resnet")
    weights = {
        name: value.half() if value.is_floating_point() else value for name, value in network.state_dict().items()
    }
    network.load_state_dict(weights)
    check_loaded(network, {f"encoder.{name}": value for name, value in weights.items()})
    with pytest.raises(ValueError, match=r"0 of \d+ layers"):
        check_loaded(network, state())
