"""Does the verdict stay as sites grow? Planted federations, the same sites with ever more of their patients.

    python benchmarks/stability.py CACHE

Federations of two or three sites at the largest size a base allows are cut to their first 50 and 100 patients a site
and judged anew. Prints the share whose kind does not change, and what the others change from and to.
"""

import argparse
import platform
import time
from collections import Counter
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
from planted import BASES, load
from scenarios import FAINT, profiles_of, scenarios

from shiftscope.diagnosis.verdicts import judge, sum_up
from shiftscope.shifts import SiteStatistics, compare_all

SEED = 29
CUTS = (50, 100, 200)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cache", type=Path)
    cache = parser.parse_args().cache
    same: Counter[tuple[bool, str, tuple[int, int]]] = Counter()
    asked: Counter[tuple[bool, str, tuple[int, int]]] = Counter()
    changes: Counter[str] = Counter()
    for base in BASES:
        measured = {base: load(cache, base)}
        for masks in (True, False) if BASES[base].masks else (False,):
            largest = max(cut for cut in CUTS if 2 * cut <= len(measured[base][()]) or cut == CUTS[0])
            rng = np.random.default_rng([SEED, masks])
            for item in scenarios(measured, base, largest, rng, masks=masks, nulls=10):
                kinds = []
                for cut in [cut for cut in CUTS if cut <= largest]:
                    part = replace(item, sites=tuple(site[:cut] for site in item.sites))
                    shifts = compare_all([SiteStatistics.of(profile) for profile in profiles_of(part)]).pairs.values()
                    verdicts = judge(list(shifts))
                    axes = {
                        question: max(
                            (verdict.axes[question] for verdict in verdicts), key=lambda answer: answer.called
                        )
                        for question in verdicts[0].axes
                    }
                    kinds.append((cut, sum_up(axes)))
                tier = "none" if item.plant == "none" else "mild (.3)" if item.severity == FAINT else "stronger"
                for (small, before), (large, after) in pairwise(kinds):
                    key = (masks, tier, (small, large))
                    asked[key] += 1
                    same[key] += before == after
                    if before != after:
                        changes[f"{before} to {after}"] += 1
    print(f"Machine: {platform.machine()}, 2 cores, Python {platform.python_version()}; seed {SEED};", end=" ")
    print(f"{time.strftime('%Y-%m-%d')}.\n\n| | planted | patients a site | kind unchanged |\n|---|---|---|---|")
    for masks, tier, (small, large) in sorted(asked):
        key = (masks, tier, (small, large))
        share = f"{same[key]} of {asked[key]} ({same[key] / asked[key]:.1%})"
        print(f"| {'with' if masks else 'without'} masks | {tier} | {small} to {large} | {share} |")
    total = f"{sum(same.values())} of {sum(asked.values())} ({sum(same.values()) / sum(asked.values()):.1%})"
    print(f"| all | | | {total} |\n\nChanges: {', '.join(f'{text} {count}' for text, count in changes.most_common())}.")


if __name__ == "__main__":
    main()
