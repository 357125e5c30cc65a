"""`shiftscope explain`: what a measure or an axis is, from its own record."""

from typing import Annotated

import typer

from shiftscope.cli.console import answer
from shiftscope.cli.options import Format, FormatOption

__all__ = ["explain"]


def explain(
    name: Annotated[
        str | None, typer.Argument(metavar="MEASURE", help="A measure or axis; or `classes`. Default: all but these.")
    ] = None,
    form: FormatOption = Format.TABLE,
) -> None:
    """What a measure or an axis is: formula, unit, direction, when it is undefined, where it comes from.

    `classes` lists the words that names of classes may be made of, to leave a site without being declared.
    """
    from shiftscope.reports.sheets.explain_sheet import explain_sheet, explanations, index_sheet, to_values, words_sheet
    from shiftscope.sites import class_words

    if name == "classes":
        words = sorted(class_words())
        answer(form, {"classes": words}, words_sheet(words))
        return
    items = explanations(name)
    answer(form, to_values(items), index_sheet(items) if name is None else explain_sheet(items))
