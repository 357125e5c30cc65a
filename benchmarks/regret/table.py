"""From the cells to the committed tables: for each task CSV files in ASlib's form, tables as Markdown, a figure.

    python benchmarks/regret/table.py OUT [--results docs/results/regret]

OUT is the folder of `cells.py`; what has been run so far is taken. `tune.py table` comes before: predictions rest on
what it wrote, too. Classes go to the folder of results, outlines to one beside it (docs/results/regret-outlines).
Prints how many federations, and the paired comparisons. Takes minutes: every policy is cross-fitted on every
federation.
"""

import argparse
from pathlib import Path

from aslib_files import write_aslib
from drawing import draw
from gain_rows import read_rows
from outcomes import Outcome, read_outcomes
from pages import COMPARED, SHOWN, results_page
from policy_fits import without_each_family
from predicted_policies import Learned
from profile_inputs import inputs_of_cells
from summaries import summarise
from tasks import TASKS


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--results", type=Path, default=Path("docs/results/regret"))
    options = parser.parse_args()
    outcomes = read_outcomes(options.out)
    if not outcomes:
        raise SystemExit(f"{options.out}: no cells yet; run cells.py first")
    by_task = {name: [outcome for outcome in outcomes if outcome.task == name] for name in TASKS}
    folders = {name: options.results.with_name(options.results.name + task.suffix) for name, task in TASKS.items()}
    inputs = inputs_of_cells(outcomes, options.out)
    for name, inside in by_task.items():
        if inside:
            write_aslib(inside, inputs, folders[name])
    learned = Learned(without_each_family(read_rows(options.results)), inputs)
    for name, inside in by_task.items():
        if inside:
            write_results(inside, learned, folders[name])


def write_results(outcomes: list[Outcome], learned: Learned, folder: Path) -> None:
    """Tables and figure of one task."""
    summary = summarise(outcomes, learned)
    (folder / "results.md").write_text(results_page(summary), encoding="utf-8")
    draw(summary, [name for name in SHOWN if name != "random" and name in summary.rows], folder / "gains.svg")
    print(f"{summary.task.heading}: {len(outcomes)} federations of {len(summary.families)} families")
    for one, other in COMPARED:
        found = summary.difference(one, other)
        print(
            f"{one} less {other}: {found.mean:+.4f} [{found.low:+.4f}, {found.high:+.4f}] p {found.p:.3f}"
            f"{' off 0' if found.off_zero else ''}"
        )


if __name__ == "__main__":
    main()
