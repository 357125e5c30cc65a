"""One site over time: its months against its baseline, by limits that hold however often one looks."""

from shiftscope.series.watch_documents import Change, Month, Reading, Watch
from shiftscope.series.watching import watch

__all__ = ["Change", "Month", "Reading", "Watch", "watch"]
