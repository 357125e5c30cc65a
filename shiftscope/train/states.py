"""What survives a round: checkpoints at the coordinator, personal tensors at the sites; written atomically."""

import json
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from safetensors import safe_open
from safetensors.numpy import save

from shiftscope.errors import EngineError
from shiftscope.files import write_bytes
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

    def accepted(self, site: str) -> int:
        """The last round whose update of `site` is part of what is shared, 0 where there is none.

        The site goes on from what it had after that round, whatever it did since: an answer that was late, lost or
        unsound never happened. The account of the rounds says which they are, and is written with the weights.
        """
        return max((entry.round for entry in self.entries if entry.replies.get(site) == "ok"), default=0)


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


def save_personal(folder: Path, number: int, state: Personal, accepted: int) -> None:
    """Keep the state after round `number`, and that of round `accepted`: the coordinator will name one of the two.

    Other states from before `number` are deleted. Later ones stay: a round that timed out may end after the next one.
    """
    path = _after(folder, number)
    _write(path, {"home": state.home, "memory": state.memory}, {})
    for old in folder.glob("round-*.safetensors"):
        if old.name < path.name and old != _after(folder, accepted):
            old.unlink(missing_ok=True)


def load_personal(folder: Path, accepted: int) -> Personal:
    """The state after round `accepted`, the last that the coordinator has of this site; empty for 0.

    Raises:
        EngineError: there is none. Any other would differ from what the coordinator's weights are made of.
    """
    if accepted == 0:
        return Personal()
    path = _after(folder, accepted)
    if not path.exists():
        kept = ", ".join(sorted(other.stem for other in folder.glob("round-*.safetensors"))) or "none"
        raise EngineError(
            f"{path}: no such file, and round {accepted} is the last that the coordinator accepted of this site; states"
            f" kept here: {kept}; put the file back, or start the run anew"
        )
    groups, _ = _read(path)
    return Personal(groups.get("home", {}), groups.get("memory", {}))


def _after(folder: Path, number: int) -> Path:
    return folder / f"round-{number:05d}.safetensors"


def save_arrays(path: Path, arrays: Tensors) -> None:
    """Keep named arrays at a site."""
    _write(path, {"arrays": arrays}, {})


def load_arrays(path: Path) -> Tensors:
    """The inverse of `save_arrays`."""
    return _read(path)[0].get("arrays", {})


def _write(path: Path, groups: dict[str, Tensors], header: dict[str, str]) -> None:
    flat = {
        f"{group}/{name}": np.asarray(array, order="C")
        for group, arrays in groups.items()
        for name, array in arrays.items()
    }
    write_bytes(path, save(flat, metadata={"format": "shiftscope", **header}))  # an empty header could not be read back


def _read(path: Path) -> tuple[dict[str, Tensors], dict[str, str]]:
    groups: dict[str, Tensors] = {}
    with safe_open(path, framework="numpy") as file:
        for key in file.keys():  # noqa: SIM118 - not a mapping
            group, name = key.split("/", 1)
            groups.setdefault(group, {})[name] = file.get_tensor(key)
        return groups, file.metadata() or {}
