"""The advice's policy: fitted on the committed tables, judged on families it never saw, written as package data.

    python benchmarks/regret/policy.py [--results docs/results/regret] [--write]

Reads what `table.py` and `tune.py table` wrote: no images, no cells. Prints the page; `--write` writes it to
docs/results/policy.md and the policy to the package. Takes two minutes.
"""

import argparse
import platform
import time
from pathlib import Path

from gain_rows import GainRow, read_rows
from policy_fits import fit_policy
from policy_pages import policy_page
from tabled_outcomes import read_tabled

import shiftscope
from shiftscope.files import write_text

PACKAGE = Path(shiftscope.__file__).parent / "recommendation" / "prediction"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--results", type=Path, default=Path("docs/results/regret"))
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    rows = read_rows(options.results)
    policy = fit_policy(rows, provenance_of(rows))
    page = policy_page(rows, policy, read_tabled(options.results))
    print(page)
    if options.write:
        policy.write(PACKAGE / "policy-1.json")
        write_text(options.results.parent / "policy.md", page)


def provenance_of(rows: list[GainRow]) -> dict[str, str]:
    """What it was fitted on, where and when."""
    families = sorted({row.family for row in rows})
    networks = sorted({(row.network, row.task) for row in rows})
    counts = {pair: len({row.federation for row in rows if (row.network, row.task) == pair}) for pair in networks}
    return {
        "federations": "; ".join(f"{network}, {task}: {count}" for (network, task), count in counts.items()),
        "families": ", ".join(families),
        "tables": "docs/results/regret, docs/results/regret-outlines",
        "fitted by": "benchmarks/regret/policy.py",
        "machine": f"{platform.machine()}, Python {platform.python_version()}",
        "date": time.strftime("%Y-%m-%d"),
    }


if __name__ == "__main__":
    main()
