"""`shiftscope train`: the plan on a real federated engine, beside its baseline."""

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
    Format,
    FormatOption,
    PlanArgument,
    VerboseOption,
    WaitOption,
    data_folders,
    in_full,
)
from shiftscope.cli.owner import RegexOption

__all__ = ["train"]


def train(
    plan: PlanArgument,
    data: DataOption = None,
    engine: EngineOption = Engine.FLOWER,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="The folder of the run. Default: runs/NAME.")
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
    """Run the job of a plan beside its baseline, on the same budget, and say whether the advice paid."""
    import shiftscope
    from shiftscope.reports.sheets.result_sheet import result_sheet

    with progress_bar() as progress:
        result = shiftscope.train(
            plan,
            data_folders(data or []),
            engine=engine.value,
            federation=federation,
            output=output,
            resume=resume,
            patient_regex=patient_regex,
            timeout_s=timeout,
            device=device,
            allow_code=allow_code or [],
            progress=progress,
        )
    answer(form, result.to_dict(), result_sheet(result, verbose=in_full(verbose, form)))
