"""One site over time: its months against its baseline, by limits that hold however often the series is analysed.

For: `watch`, which says whether and when a site's images, patients, classes, contours or what its labels mean changed,
and what to do. In: the profile of a baseline and one of each month. Out: a `Watch`. After each month the series is cut
in two where it may have changed (`blocks`) and the parts are compared as two sites (`interim_analyses`), each analysis
within its share of the false-alarm rate (`limits`); what was alarmed is dated (`change_points`) and explained
(`changes`).
"""

from shiftscope.series.watch_documents import Change, Month, Reading, Watch
from shiftscope.series.watching import watch

__all__ = ["Change", "Month", "Reading", "Watch", "watch"]
