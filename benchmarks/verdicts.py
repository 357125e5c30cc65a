"""What is called between whom, on the real hospitals' images and the planted fixtures; before and after a change.

    python benchmarks/verdicts.py DATA --out after.json [--profiles DIR] [--unsaid]
    python benchmarks/verdicts.py --compare before.json after.json

Profiles every site once, diagnoses every group, prints a table of every pair's answers and keeps them in a file. With
`--profiles` the profiles are kept in DIR, as GROUP/SITE.profile.json, and those already there are not made again: give
another DIR to measure a change of what a profile holds. Where files hold no patient, each is said to be another's, or
with `--unsaid` nothing is, and sites that are then refused are listed. `--compare` prints
what differs between two such files.
"""

import argparse
import json
import platform
import tempfile
import time
from pathlib import Path
from typing import Any

from first_results import GROUPS

from shiftscope.diagnosis import Diagnosis, diagnose
from shiftscope.errors import InputError
from shiftscope.measures.features.extractors import load_extractor
from shiftscope.profiles import Options, Profile, profile_site
from shiftscope.sites import Declarations, read_site

FIXTURES = Path(__file__).resolve().parents[1] / "fixtures"
READING = ("dicom", "nifti")  # for reading files: no site has patients enough to be compared


def folders(data: Path) -> dict[str, dict[str, tuple[Path, str | None]]]:
    """Group -> site -> its folder and how its file names hold the patient; the fixtures are groups of their own."""
    out = {}
    for group, (folder, regex) in GROUPS.items():
        if group not in READING:
            sites = sorted(path for path in (data / folder).iterdir() if path.is_dir())
            out[group] = {site.name: (site, regex if site.name != "busi" else None) for site in sites}
    for federation in sorted(path for path in FIXTURES.iterdir() if path.is_dir()):
        sites = sorted(path for path in federation.iterdir() if path.is_dir())
        out[f"fixtures {federation.name}"] = {site.name: (site, None) for site in sites}
    return out


def profiled(data: Path, kept: Path, unsaid: bool) -> dict[str, list[Profile]]:
    """The profiles of every group, from `kept` where they are there; groups of one site are left out."""
    out = {}
    for group, sites in folders(data).items():
        out[group] = []
        for name, (folder, regex) in sites.items():
            path = kept / group.replace(" ", "_") / f"{name}.profile.json"
            if not path.exists():
                path.parent.mkdir(parents=True, exist_ok=True)
                said = Declarations(patient_regex=regex, one_file_per_patient=None if regex or unsaid else True)
                site = read_site(folder, given=said)
                try:
                    profile_site(site, load_extractor(), Options())[0].write(path)
                except InputError as problem:
                    print(f"- refused: {group}/{name}: {str(problem).splitlines()[0].removeprefix(f'{folder}: ')}")
                    continue
            out[group].append(Profile.read(path))
    return {group: profiles for group, profiles in out.items() if len(profiles) > 1}


def summary_of(found: Diagnosis) -> dict[str, Any]:
    """Kind, pairs, sites and caveats of a diagnosis, as far as two of them are compared."""
    verdicts = {f"{pair.a} - {pair.b}": pair for pair in found.pairs}
    verdicts |= {f"{site} against all": verdict for site, verdict in found.by_site.items() if len(found.by_site) > 2}
    answers = {
        name: {
            "kind": verdict.kind,
            **{
                question: {
                    "said": "yes" if answer.called else "disputed" if answer.disputed else "no",
                    "probability": answer.probability,
                    "effect": answer.effect,
                    "axis": answer.axis,
                    "held": answer.held,
                }
                for question, answer in verdict.axes.items()
                if answer.probability is not None
            },
        }
        for name, verdict in verdicts.items()
    }
    return {"kind": found.kind, "answers": answers, "caveats": list(found.caveats)}


def table(found: dict[str, Any]) -> str:
    """Every answer about sites that are compared: what is said, the probability and the effect."""
    questions = ("appearance", "structure", "label", "annotation")
    lines = [f"| group | sites | kind | {' | '.join(questions)} |", "|---|---|---|" + "---|" * len(questions)]
    for group, federation in found.items():
        for name, answers in federation["answers"].items():
            if answers["kind"] == "insufficient":
                continue
            cells = [_cell(answers[question]) if question in answers else "-" for question in questions]
            lines.append(f"| {group} | {name} | {answers['kind']} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _cell(answer: dict[str, Any]) -> str:
    return f"{answer['said']} {answer['probability']:.3f} ({answer['effect']:.2f})"


def differences(before: dict[str, Any], after: dict[str, Any]) -> str:
    """What two files say differently: kinds and answers by name, numbers by how far they moved, caveats in full."""
    lines, asked, moved, turned = [], 0, [0.0], [0.0]
    for group in sorted({*before, *after}):
        if group not in before or group not in after:
            lines.append(f"- {group}: only {'after' if group in after else 'before'}")
            continue
        old, new = before[group], after[group]
        for name in dict.fromkeys([*old["answers"], *new["answers"]]):
            was, now = old["answers"].get(name, {}), new["answers"].get(name, {})
            if was.get("kind") != now.get("kind"):
                lines.append(f"- {group}, {name}: kind {was.get('kind')}, now {now.get('kind')}")
            for question in dict.fromkeys([*was, *now]):
                if question == "kind":
                    continue
                asked += 1
                one, two = was.get(question), now.get(question)
                if one is None or two is None:
                    lines.append(f"- {group}, {name}: {question} only {'after' if two else 'before'}")
                    continue
                moved.append(abs(one["effect"] - two["effect"]) / max(abs(one["effect"]), 0.01))
                turned.append(abs(one["probability"] - two["probability"]))
                if any(one[key] != two[key] for key in ("said", "axis", "held")):
                    lines.append(f"- {group}, {name}: {question} {_full(one)}, now {_full(two)}")
        for sign, these, those in (("no longer", old, new), ("new", new, old)):
            lines.extend(
                f"- {group}, caveat {sign}: {text}" for text in these["caveats"] if text not in those["caveats"]
            )
    summary = (
        f"{asked} answers; effects moved by {max(moved):.1%} at the most ({sum(m > 0 for m in moved)} at all),"
        f" probabilities by {max(turned):.3f} ({sum(t > 0 for t in turned)} at all)."
    )
    return "\n".join([summary, *(["", *lines] if lines else [])])


def _full(answer: dict[str, Any]) -> str:
    held = f", at equal {answer['held']}" if answer["held"] else ""
    return f"{_cell(answer)} from {answer['axis']}{held}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, nargs="?", help="the real images, by group and site")
    parser.add_argument("--out", type=Path, help="where the answers are kept")
    parser.add_argument("--profiles", type=Path, help="where profiles are kept; default: nowhere")
    parser.add_argument("--unsaid", action="store_true", help="nobody says that each file is another patient's")
    parser.add_argument("--compare", type=Path, nargs=2, metavar=("BEFORE", "AFTER"), help="two kept files")
    options = parser.parse_args()
    if options.compare:
        print(differences(*(json.loads(path.read_text(encoding="utf-8"))["groups"] for path in options.compare)))
        return
    if options.data is None:
        parser.error("give DATA, or --compare BEFORE AFTER")
    with tempfile.TemporaryDirectory() as scratch:
        groups = profiled(options.data, options.profiles or Path(scratch), options.unsaid)
    found = {group: summary_of(diagnose(profiles)) for group, profiles in groups.items()}
    machine = f"{platform.machine()}, 2 cores, Python {platform.python_version()}; {time.strftime('%Y-%m-%d')}"
    print(f"Machine: {machine}.\n\n{table(found)}")
    if options.out:
        text = json.dumps({"machine": machine, "groups": found}, indent=1, ensure_ascii=False)
        options.out.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
