"""`shiftscope rehearse`: every strategy that differs on features of a frozen encoder, in minutes."""

from pathlib import Path
from typing import Annotated

import typer

from shiftscope.cli.console import answer, progress_bar
from shiftscope.cli.options import (
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
)
from shiftscope.cli.owner import RegexOption

__all__ = ["rehearse"]


def rehearse(
    plan: PlanArgument,
    data: DataOption = None,
    folds: FoldsOption = 5,
    engine: EngineOption = Engine.FLOWER,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="The folder of the rehearsal. Default: runs/NAME-rehearsal.")
    ] = None,
    patient_regex: RegexOption = None,
    timeout: WaitOption = 1800.0,
    federation: FederationOption = None,
    device: DeviceOption = Device.CPU,
    verbose: VerboseOption = False,
    form: FormatOption = Format.TABLE,
) -> None:
    """Compare every strategy on features of a frozen encoder, in minutes, and say what each site should do."""
    import shiftscope
    from shiftscope.reports.sheets.rehearsal_sheet import rehearsal_sheet

    with progress_bar() as progress:
        result = shiftscope.rehearse(
            plan,
            data_folders(data or []),
            folds=folds,
            engine=engine.value,
            federation=federation,
            output=output,
            patient_regex=patient_regex,
            timeout_s=timeout,
            device=device,
            progress=progress,
        )
    answer(form, result.to_dict(), rehearsal_sheet(result, verbose=in_full(verbose, form), plan=str(plan)))
