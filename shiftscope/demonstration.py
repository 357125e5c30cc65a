"""Four synthetic hospitals, the whole way: drawn, profiled, diagnosed, rehearsed, trained on Flower, reported."""

import logging
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from shiftscope.phantoms import demo_hospitals
from shiftscope.progress import Report, silent

if TYPE_CHECKING:
    from shiftscope import Profile
    from shiftscope.plans import Plan, RunResult
    from shiftscope.recommendation import Advice

__all__ = ["Story", "run_demo"]

_LOGGER = logging.getLogger(__name__)

ROUNDS = 6
LOCAL_STEPS = 20
IMAGE_SIZE = 64
SEEDS = "auto"
NETWORK: Literal["random"] = "random"
"""Small: one from trained weights would take an hour on two cores."""


@dataclass(frozen=True, slots=True)
class Story:
    """What the demo did.

    Attributes:
        profiles: one per hospital.
        advice: diagnosis and recommendation, after a rehearsal where one was advised.
        result: the federated run.
        report: the HTML file.
    """

    profiles: "tuple[Profile, ...]"
    advice: "Advice"
    result: "RunResult"
    report: Path


def run_demo(
    out: Path, *, seed: int = 0, engine: Literal["flower", "inline"] = "flower", progress: Report = silent
) -> Story:
    """Run everything in `out`, with the same calls as the commands.

    Args:
        out: folder for images, profiles, plan, run and report.
        seed: of the hospitals.
        engine: "flower" or "inline".
        progress: called after every case and every round.
    """
    import shiftscope
    from shiftscope.plans import write_plan

    _LOGGER.info("drawing four hospitals")
    folders = demo_hospitals(out / "hospitals", seed=seed)
    paths = {name: out / f"{name}.profile.json" for name in folders}
    profiles = []
    for name, folder in folders.items():
        _say("profile", folder, "-o", paths[name])
        profiles.append(shiftscope.profile(folder, name=name, output=paths[name], device="cpu", progress=progress))
    _say("recommend", *paths.values(), "--network", NETWORK, "-o", out / "plan.toml")
    advice = shiftscope.recommend(profiles, network=NETWORK)
    pairs = [part for name, folder in folders.items() for part in ("--data", f"{name}={folder}")]
    if advice.recommendation.action == "rehearse":
        _say("rehearse", out / "plan.toml", *pairs)
        found = shiftscope.rehearse(
            _plan(profiles, advice), folders, engine=engine, output=out / "rehearsal", progress=progress
        )
        _say("recommend", *paths.values(), "--rehearsal", out / "rehearsal" / "rehearsal.json", "-o", out / "plan.toml")
        advice = shiftscope.recommend(profiles, rehearsal=found)
    plan = _plan(profiles, advice)
    write_plan(plan, out / "plan.toml", advice.recommendation.because)
    _say("train", out / "plan.toml", *pairs)
    result = shiftscope.train(plan, folders, engine=engine, output=out / "run", progress=progress)
    page = shiftscope.report(paths.values(), output=out / "report.html", result=out / "run" / "result.json")
    return Story(tuple(profiles), advice, result, page.path)


def _plan(profiles: "list[Profile]", advice: "Advice") -> "Plan":
    """What carries out the advice, on a budget of minutes."""
    import shiftscope

    budget = {"rounds": ROUNDS, "local_steps": LOCAL_STEPS, "image_size": IMAGE_SIZE, "seeds": SEEDS}
    return shiftscope.propose_plan(profiles, advice, name="demo").model_copy(update=budget)


def _say(*words: object) -> None:
    _LOGGER.info("%s", shlex.join(["shiftscope", *map(str, words)]))
