"""`shiftscope train`: the plan on a real federated engine, beside its baseline."""

from pathlib import Path
from typing import Annotated

import typer

from shiftscope.cli.console import answer, say
from shiftscope.cli.options import Device, DeviceOption, Engine, Format, FormatOption, data_folders
from shiftscope.cli.owner import RegexOption

__all__ = ["train"]


def train(
    plan: Annotated[Path, typer.Argument(help="Plan written by `recommend -o`.")],
    data: Annotated[list[str] | None, typer.Option(help="SITE=DIR, once per site; wins over the plan.")] = None,
    engine: Annotated[Engine, typer.Option(help="inline runs the same app in this process.")] = Engine.FLOWER,
    output: Annotated[Path | None, typer.Option("-o", "--output", help="Default: runs/NAME.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on from the last checkpoint.")] = False,
    patient_regex: RegexOption = None,
    timeout: Annotated[float, typer.Option(min=1, help="Seconds a round waits for its slowest site.")] = 1800.0,
    device: DeviceOption = Device.CPU,
    form: FormatOption = Format.TABLE,
) -> None:
    """Run the job a plan describes, beside its baseline on the same budget, and say whether the advice paid."""
    from shiftscope.plans import read_plan
    from shiftscope.reports.sheets.result_sheet import result_sheet
    from shiftscope.training.launch import train as launch
    from shiftscope.training.run_options import RunOptions

    wanted = read_plan(plan)
    target = output or Path("runs") / wanted.name
    options = RunOptions(
        out=target,
        engine=engine.value,
        resume=resume,
        patient_regex=patient_regex,
        timeout_s=timeout,
        device=device,
    )
    result = launch(wanted, data_folders(data or []), options, progress=lambda step: say(step.line))
    say(f"result written to {target / 'result.json'}")
    answer(form, result.to_dict(), result_sheet(result))
