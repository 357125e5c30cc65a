"""`shiftscope explain`: what a measure or an axis is, from its own record."""

from typing import Annotated

import typer

from shiftscope.cli.console import answer
from shiftscope.cli.options import Format, FormatOption

__all__ = ["explain"]


def explain(
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="MEASURE", help="A measure or an axis, or `classes`. Default: a list of all measures and axes."
        ),
    ] = None,
    form: FormatOption = Format.TABLE,
) -> None:
    """Say what a measure or an axis is: its formula, unit, direction and source, and when it is undefined.

    `classes` lists the words that names of classes may be made of, to leave a site without being declared.
    """
    import shiftscope
    from shiftscope.api.explaining import class_names
    from shiftscope.reports.sheets.explain_sheet import explain_sheet, index_sheet, words_sheet

    if name == "classes":
        answer(form, {"classes": list(class_names())}, words_sheet(class_names()))
        return
    found = shiftscope.explain(name)
    answer(form, found.to_dict(), index_sheet(found.items) if name is None else explain_sheet(found.items))
