"""Four synthetic hospitals, the whole way: drawn, profiled, diagnosed, trained on Flower, reported."""

import shlex
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from shiftscope.measures.features.extractors import load_extractor
from shiftscope.phantoms import demo_hospitals
from shiftscope.plans import RunResult, propose_plan, write_plan
from shiftscope.profiles import Options, Profile, profile_site
from shiftscope.recommendation import Advice, advise
from shiftscope.sites import read_site

__all__ = ["Story", "run_demo"]

ROUNDS = 6
LOCAL_STEPS = 20
IMAGE_SIZE = 64
SEEDS = (0, 1, 2)


@dataclass(frozen=True, slots=True)
class Story:
    """What the demo did.

    Attributes:
        profiles: one per hospital.
        advice: diagnosis and recommendation.
        result: the federated run.
    """

    profiles: tuple[Profile, ...]
    advice: Advice
    result: RunResult


def run_demo(
    out: Path,
    seed: int = 0,
    engine: Literal["flower", "inline"] = "flower",
    say: Callable[[str], None] = lambda text: None,  # noqa: ARG005
) -> Story:
    """Run everything in `out`, with the same calls as the commands.

    Args:
        out: folder for images, profiles, plan and run.
        seed: of the hospitals.
        engine: "flower" or "inline".
        say: told what happens.
    """
    from shiftscope.training.launch import train
    from shiftscope.training.run_options import RunOptions

    say("drawing four hospitals")
    folders = demo_hospitals(out / "hospitals", seed=seed)
    profiles = []
    extractor = load_extractor()
    for name, folder in folders.items():
        say(shlex.join(["shiftscope", "profile", str(folder), "-o", f"{out / name}.profile.json"]))
        made, _ = profile_site(read_site(folder, name=name), extractor, Options())
        made.write(out / f"{name}.profile.json")
        profiles.append(made)
    say(f"shiftscope recommend {shlex.quote(str(out))}/*.profile.json -o {shlex.quote(str(out / 'plan.toml'))}")
    advice = advise(profiles)
    proposed = propose_plan(profiles, advice.recommendation, "demo")
    plan = proposed.model_copy(
        update={"rounds": ROUNDS, "local_steps": LOCAL_STEPS, "image_size": IMAGE_SIZE, "seeds": SEEDS}
    )
    write_plan(plan, out / "plan.toml", advice.recommendation.because)
    pairs = " ".join(f"--data {shlex.quote(f'{name}={folder}')}" for name, folder in folders.items())
    say(f"shiftscope train {shlex.quote(str(out / 'plan.toml'))} {pairs}")
    options = RunOptions(engine=engine, out=out / "run")
    result = train(plan, folders, options, progress=lambda step: say(step.line))
    return Story(tuple(profiles), advice, result)
