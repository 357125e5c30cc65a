"""`shiftscope trial`: many strategies on a small budget, by successive halving."""

import shlex
from pathlib import Path
from typing import Annotated

import typer

from shiftscope.cli.console import answer, say
from shiftscope.cli.options import (
    Device,
    DeviceOption,
    Engine,
    Format,
    FormatOption,
    data_folders,
    share_of,
)
from shiftscope.cli.owner import RegexOption

__all__ = ["trial"]


def trial(
    plan: Annotated[Path, typer.Argument(help="Plan written by `recommend -o`.")],
    data: Annotated[list[str] | None, typer.Option(help="SITE=DIR, once per site; wins over the plan.")] = None,
    strategies: Annotated[
        str | None, typer.Option(help="Harmonizers, algorithms, harmonizer+algorithm. Default: a short list.")
    ] = None,
    rungs: Annotated[int, typer.Option(min=1, help="At the most.")] = 3,
    keep: Annotated[str, typer.Option(help="Share that goes on from a rung.")] = "1/2",
    budget: Annotated[str, typer.Option(help="Share of the plan's rounds for the last rung.")] = "1/2",
    engine: Annotated[Engine, typer.Option(help="inline runs the same app in this process.")] = Engine.FLOWER,
    output: Annotated[Path | None, typer.Option("-o", "--output", help="Default: runs/NAME-trial.")] = None,
    plan_out: Annotated[
        Path | None, typer.Option("-p", "--plan-out", help="The winner's plan. Default: winner.toml in the output.")
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on from the last checkpoint.")] = False,
    patient_regex: RegexOption = None,
    timeout: Annotated[float, typer.Option(min=1, help="Seconds a round waits for its slowest site.")] = 1800.0,
    device: DeviceOption = Device.CPU,
    form: FormatOption = Format.TABLE,
) -> None:
    """Measure which strategy to take: halve a list of them, rung by rung, by their scores on validation cases."""
    from shiftscope.plans import read_plan
    from shiftscope.reports.sheets.trial_sheet import trial_sheet
    from shiftscope.training.run_options import RunOptions
    from shiftscope.training.trials.prepared_trials import prepare_trial
    from shiftscope.training.trials.trial_runs import run_trial
    from shiftscope.training.trials.winners import write_winner

    wanted = read_plan(plan)
    names = strategies.split(",") if strategies is not None else ()
    shares = share_of(keep, "--keep"), share_of(budget, "--budget")
    prepared = prepare_trial(wanted, names, rungs=rungs, keep=shares[0], share=shares[1])
    target = output or Path("runs") / f"{wanted.name}-trial"
    for line in (*prepared.remarks, prepared.expects()):
        say(line)
    options = RunOptions(
        out=target,
        engine=engine.value,
        resume=resume,
        patient_regex=patient_regex,
        timeout_s=timeout,
        device=device,
    )
    result = run_trial(prepared, data_folders(data or []), options, progress=lambda step: say(step.line))
    winner = plan_out or target / "winner.toml"
    write_winner(prepared, result, winner)
    command = shlex.join(["shiftscope", "train", str(winner)])
    say(f"result written to {target / 'trial.json'}; on the plan's whole budget: {command} --data ...")
    answer(form, result.to_dict(), trial_sheet(result))
