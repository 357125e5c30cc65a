"""What survives a round: checkpoints at the coordinator, personal tensors at the sites; written atomically."""

import json
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from safetensors import safe_open
from safetensors.numpy import save_file

from shiftscope.plans import RoundEntry, SiteRound
from shiftscope.records import Record
from shiftscope.train.aggregate import Tensors

__all__ = [
    "Checkpoint",
    "Evaluation",
    "Personal",
    "load_arrays",
    "load_checkpoint",
    "load_personal",
    "save_arrays",
    "save_checkpoint",
    "save_personal",
]

KEPT_ROUNDS = 2
"""A run broken off in the middle of a round starts that round again from the state before it."""


class Evaluation(Record):
    """What a site says of a trained model: numbers of cases and metrics, null where undefined.

    Attributes:
        cases: test cases.
        scores: of the model the site uses from now on.
        ungated: of this strategy's model, whether it is used or not.
        validation: of this strategy's model, on the validation cases.
        kept_baseline: whether the site uses the baseline's model instead, because that does better on them.
        spent: what the work after the last round took.
    """

    cases: int
    scores: dict[str, float | None]
    ungated: dict[str, float | None]
    validation: dict[str, float | None]
    kept_baseline: bool = False
    spent: SiteRound = SiteRound()


@dataclass(slots=True)
class Checkpoint:
    """One strategy and seed at the coordinator.

    Attributes:
        round: rounds done.
        shared: the tensors all sites have in common.
        memory: what the algorithm keeps at the server.
        entries: the account of the rounds so far.
        evaluation: site -> its word on the final model, empty until the last round is through.
        evaluation_bytes: payload of the evaluation, both ways.
    """

    round: int
    shared: Tensors
    memory: Tensors = field(default_factory=dict)
    entries: list[RoundEntry] = field(default_factory=list)
    evaluation: dict[str, Evaluation] = field(default_factory=dict)
    evaluation_bytes: int = 0


@dataclass(slots=True)
class Personal:
    """One strategy and seed at a site: the tensors that stay home and the algorithm's memory."""

    home: Tensors = field(default_factory=dict)
    memory: Tensors = field(default_factory=dict)


def save_checkpoint(path: Path, state: Checkpoint) -> None:
    """Write `state` to `path`: safetensors, with the account in the header."""
    facts = {
        "round": state.round,
        "entries": [json.loads(entry.model_dump_json()) for entry in state.entries],
        "evaluation": {site: json.loads(word.model_dump_json()) for site, word in state.evaluation.items()},
        "evaluation_bytes": state.evaluation_bytes,
    }
    _write(path, {"shared": state.shared, "memory": state.memory}, {"shiftscope": json.dumps(facts)})


def load_checkpoint(path: Path) -> Checkpoint | None:
    """The state at `path`, None where there is none."""
    if not path.exists():
        return None
    groups, header = _read(path)
    facts = json.loads(header["shiftscope"])
    return Checkpoint(
        round=facts["round"],
        shared=groups.get("shared", {}),
        memory=groups.get("memory", {}),
        entries=[RoundEntry.model_validate(entry) for entry in facts["entries"]],
        evaluation={site: Evaluation.model_validate(word) for site, word in facts["evaluation"].items()},
        evaluation_bytes=facts["evaluation_bytes"],
    )


def save_personal(folder: Path, number: int, state: Personal) -> None:
    """Keep the state after round `number`, and that of the round before it."""
    _write(folder / f"round-{number:05d}.safetensors", {"home": state.home, "memory": state.memory}, {})
    for old in sorted(folder.glob("round-*.safetensors"))[:-KEPT_ROUNDS]:
        old.unlink()


def load_personal(folder: Path, before: int) -> Personal | None:
    """The newest state from a round before `before`, None where there is none."""
    paths = [path for path in folder.glob("round-*.safetensors") if int(path.stem.split("-")[1]) < before]
    if not paths:
        return None
    groups, _ = _read(max(paths))
    return Personal(groups.get("home", {}), groups.get("memory", {}))


def save_arrays(path: Path, arrays: Tensors) -> None:
    """Keep named arrays at a site."""
    _write(path, {"arrays": arrays}, {})


def load_arrays(path: Path) -> Tensors:
    """The inverse of `save_arrays`."""
    return _read(path)[0].get("arrays", {})


def _write(path: Path, groups: dict[str, Tensors], header: dict[str, str]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    flat = {
        f"{group}/{name}": np.asarray(array, order="C")
        for group, arrays in groups.items()
        for name, array in arrays.items()
    }
    part = path.with_name(path.name + ".part")
    save_file(flat, part, metadata={"format": "shiftscope", **header})  # an empty header could not be read back
    part.replace(path)


def _read(path: Path) -> tuple[dict[str, Tensors], dict[str, str]]:
    groups: dict[str, Tensors] = {}
    with safe_open(path, framework="numpy") as file:
        for key in file.keys():  # noqa: SIM118 - not a mapping
            group, name = key.split("/", 1)
            groups.setdefault(group, {})[name] = file.get_tensor(key)
        return groups, file.metadata() or {}
