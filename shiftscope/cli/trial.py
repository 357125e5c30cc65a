"""`shiftscope trial`: many strategies on a small budget, by successive halving."""

from pathlib import Path
from typing import Annotated

import typer

from shiftscope.cli.console import answer, progress_bar
from shiftscope.cli.options import (
    AllowCodeOption,
    DataOption,
    Device,
    DeviceOption,
    Engine,
    EngineOption,
    FederationOption,
    FoldsOption,
    Format,
    FormatOption,
    PlanArgument,
    VerboseOption,
    WaitOption,
    data_folders,
    in_full,
    share_of,
)
from shiftscope.cli.owner import RegexOption

__all__ = ["trial"]


def trial(
    plan: PlanArgument,
    data: DataOption = None,
    strategies: Annotated[
        str | None,
        typer.Option(help="What to compare: harmonizers, algorithms, harmonizer+algorithm. Default: a short list."),
    ] = None,
    rungs: Annotated[int, typer.Option(min=1, help="How many rungs at the most.")] = 3,
    keep: Annotated[str, typer.Option(help="The share of the strategies that goes on from a rung.")] = "1/2",
    budget: Annotated[str, typer.Option(help="The share of the plan's rounds that the last rung gets.")] = "1/2",
    folds: FoldsOption = 5,
    rehearse: Annotated[
        bool, typer.Option("--rehearse", help="First drop strategies by what they do while the encoder is frozen.")
    ] = False,
    engine: EngineOption = Engine.FLOWER,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="The folder of the trial. Default: runs/NAME-trial.")
    ] = None,
    plan_out: Annotated[
        Path | None,
        typer.Option("-p", "--plan-out", help="The plan of the winner. Default: winner.toml in that folder."),
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on from the last finished round.")] = False,
    patient_regex: RegexOption = None,
    timeout: WaitOption = 1800.0,
    federation: FederationOption = None,
    device: DeviceOption = Device.CPU,
    allow_code: AllowCodeOption = None,
    verbose: VerboseOption = False,
    form: FormatOption = Format.TABLE,
) -> None:
    """Compare many strategies on a part of the budget, drop the worse half rung by rung, and say which to take."""
    import shiftscope
    from shiftscope.reports.sheets.trial_sheet import trial_sheet

    with progress_bar() as progress:
        result = shiftscope.trial(
            plan,
            data_folders(data or []),
            strategies=() if strategies is None else strategies.split(","),
            rungs=rungs,
            keep=share_of(keep, "--keep"),
            budget=share_of(budget, "--budget"),
            folds=folds,
            rehearse=rehearse,
            engine=engine.value,
            federation=federation,
            output=output,
            plan_output=plan_out,
            resume=resume,
            patient_regex=patient_regex,
            timeout_s=timeout,
            device=device,
            allow_code=allow_code or [],
            progress=progress,
        )
    answer(form, result.to_dict(), trial_sheet(result, verbose=in_full(verbose, form)))
