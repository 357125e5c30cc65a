"""How a run is carried out, whatever is run: the options that `train` and a trial have in common."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:  # keys and certificates come with the extra [train]
    from shiftscope.federations.coordinator_folders import Coordinator

__all__ = ["TIMEOUT_S", "RunOptions"]

TIMEOUT_S = 1800.0
"""How long a round waits for its slowest site, unless another time is asked for; Flower's own default is an hour."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOptions:
    """Where and how to run.

    Attributes:
        out: the folder that receives everything the run leaves.
        engine: "flower" for Flower's simulation, "inline" for the same apps in this process, "deploy" for the sites of
            a federation.
        resume: go on from the checkpoints in `out`; the plan must be the same.
        patient_regex: how to find the patient in a file name, as for `profile`.
        timeout_s: how long a round waits for its slowest site.
        device: "cpu", "cuda", or "auto". Results repeat bit for bit on "cpu".
        allow_code: packages of the operator's own that every site allows; on one machine one person answers for all.
        federation: whose sites carry it out; None unless the engine is "deploy".
    """

    out: Path
    engine: Literal["flower", "inline", "deploy"] = "flower"
    resume: bool = False
    patient_regex: str | None = None
    timeout_s: float = TIMEOUT_S
    device: str = "cpu"
    allow_code: tuple[str, ...] = ()
    federation: "Coordinator | None" = None
