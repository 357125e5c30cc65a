"""What a drawn sheet must hold to: one screen, and no number and no name broken over lines."""

import io
import re

from rich.cells import cell_len
from rich.console import Console

from shiftscope.reports.formats.table import print_table
from shiftscope.reports.sheet import Sheet

_BROKEN = re.compile(
    # The rest of a number stands on the next line; an interval that ends in 95 is whole, as in "0 to 95".
    r"(?:\bn =|[\d%] (?:to|against)|(?:, |\(|^\s*)95|\[[^\]]*)$"
)


def drawn(sheet: Sheet, width: int = 80) -> list[str]:
    """The lines of a sheet in a terminal without colour."""
    written = io.StringIO()
    print_table(sheet, Console(file=written, width=width, highlight=False, color_system=None))
    return written.getvalue().splitlines()


def require_screen(sheet: Sheet, names: tuple[str, ...] = (), *, lines: int = 24) -> list[str]:
    """Fail where a sheet takes more than a screen, or breaks a number or a name.

    Args:
        sheet: drawn here.
        names: of sites, written in Z, Q and hyphens, which nothing else is.
        lines: how many there may be.
    """
    found = drawn(sheet)
    assert len(found) <= lines, "\n".join(found)
    require_whole(found, names)
    return found


def require_whole(lines: list[str], names: tuple[str, ...] = ()) -> None:
    """Fail where a line is too long, or a number or a name is broken."""
    for line in lines:
        assert cell_len(line) <= 80, line
        assert not _BROKEN.search(line), line
        for token in re.findall(r"[ZQ-]*[ZQ][ZQ-]*(?:\.\.\.[ZQ-]+)?", line):
            head, dots, tail = token.partition("...")
            assert any((name.startswith(head) and name.endswith(tail)) if dots else name == token for name in names), (
                f"{token} in {line}"
            )
