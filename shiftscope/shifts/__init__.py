"""How sites differ: effects with their uncertainty. Numbers only; the verdict is the diagnosis's."""

from shiftscope.shifts.effects import Effect, Shift, compare_sides, site_against_all
from shiftscope.shifts.side import Side

__all__ = ["Effect", "Shift", "Side", "compare_sides", "site_against_all"]
