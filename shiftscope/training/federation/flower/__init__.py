"""The only place that knows Flower: messages, the two apps, the strategy, and the two ways to run them.

In: a `Job`, and who wants to hear of its progress. Out: `simulation.run_simulation` or `inline.run_inline` ->
`RunResult`. Flower is pinned to one minor version. What this package needs beyond its documented interface is one
private setting (`inline.task_identity`), guarded by a test of its own.
"""

import warnings

with warnings.catch_warnings():
    # The typer that Flower pins imports names which newer releases of click call deprecated.
    warnings.filterwarnings("ignore", category=DeprecationWarning, message="'click")
    import flwr.app  # noqa: F401
