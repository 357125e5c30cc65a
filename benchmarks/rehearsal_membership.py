"""Membership inference against what a rehearsal sends, beside one round of FedAvg on the same features.

python benchmarks/rehearsal_membership.py DATA [--group cxr_cls] [--draws 20] > docs/results/rehearsal-membership.md

The attacker is the coordinator, or whoever reads its messages: he knows the encoder, every head that a site received
and sent back, and of each candidate the features and the class. Half of the candidates are among the site's patients;
two other sites take part honestly. He looks at how the site's heads moved: as the candidate would have pulled them
(cosine with its gradient), and so that the candidate's loss fell (Nasr et al. 2019, doi:10.1109/SP.2019.00065; Yeom et
al. 2018, doi:10.1109/CSF.2018.00027), added up over folds, and over all rounds, the first five, or the first. Folds
tell more: a member is missing from the training cases of some, which then move otherwise, and an outsider from none, so
he also adds by how much the cosine of the middle fold exceeds that of the lowest (models with and without the patient,
as in Carlini et al. 2022, doi:10.1109/SP46214.2022.9833649, for nothing). Printed is the AUC of the best of these nine,
mean over draws with its standard error; a guess is .5, and the best of nine guesses a little more. Beside it one round
of FedAvg as `shiftscope train` has it with `model = "linear"` (15 steps of 16 cases at .003), from the same start, on
all patients and in five folds, and FedAvg's heads of one fold alone.
"""

import argparse
import platform
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from shiftscope.images import as_seen, canvas
from shiftscope.plans.packaged_weights import PACKAGED
from shiftscope.sites import Declarations, load, read_site
from shiftscope.training.models.model_parts import PlannedNetwork
from shiftscope.training.models.timm_networks import scale_of, timm_network
from shiftscope.training.rehearsals.coordinated_heads import average_heads, blank_shared
from shiftscope.training.rehearsals.head_tables import HeadTable
from shiftscope.training.rehearsals.linear_heads import BUDGET, FeatureRows, logits_of
from shiftscope.training.rehearsals.table_rehearsals import train_shared

ENCODER = "tf_efficientnet_lite0"
SIZES = (20, 40, 80)
SIZE, FOLDS, SEED = 128, 5, 31


@dataclass(frozen=True, slots=True)
class Patients:
    """One row of features a patient, and the class."""

    features: torch.Tensor
    classes: torch.Tensor


def read(folder: Path) -> Patients:
    """All cases of a site as the frozen encoder sees them, each a patient."""
    weights = PACKAGED[ENCODER].path
    if weights is None:
        raise SystemExit(f"{PACKAGED[ENCODER].distribution} is not installed")
    network = PlannedNetwork(timm_network(ENCODER, weights, 3, 0), (), (), scale_of(ENCODER, weights)).eval()
    site = read_site(folder, given=Declarations(one_file_per_patient=True))
    images = [canvas(as_seen(load(case)[0]), SIZE).mean(axis=1, keepdims=True) for case in site.cases]
    pixels = torch.from_numpy(np.concatenate(images).astype(np.float32))
    with torch.no_grad():
        features = torch.cat([network(part) for part in pixels.split(16)])
    labels = sorted({case.label or "" for case in site.cases})
    return Patients(features, torch.tensor([labels.index(case.label or "") for case in site.cases]))


def table_of(patients: Patients, chosen: np.ndarray, scale: float, folds: int) -> dict[str, HeadTable]:
    """Some patients of a site, divided as a rehearsal does: an eighth of the others validate."""
    rows = FeatureRows(patients.features[chosen] / scale, patients.classes[chosen])
    order = np.argsort(rows.targets.numpy(), kind="stable")
    place = np.empty(len(chosen), dtype=int)
    place[order] = np.arange(len(chosen))
    test = np.stack([place % FOLDS == fold for fold in range(folds)])
    val = np.stack([(place // FOLDS + fold) % 8 == 0 for fold in range(folds)]) & ~test
    names = np.array([str(number) for number in chosen])
    return {"plain": HeadTable(None, tuple(range(folds)), rows, names, ~test & ~val, val, test)}


Movement = tuple[torch.Tensor, torch.Tensor]
"""Heads as they were received, and as they were sent back: (k, d + 1, outputs) each."""


def rehearsed(tables: list[dict[str, HeadTable]]) -> list[Movement]:
    """What the first site received and sent, round by round."""
    table = tables[0]["plain"]
    keys = [("plain", None, table.folds)]
    assert isinstance(table.rows, FeatureRows)
    shared = blank_shared(keys, table.rows.features.shape[1], 2)
    cases = {str(site): [int(count) for count in each["plain"].train.sum(axis=1)] for site, each in enumerate(tables)}
    moved = []
    for number in range(1, BUDGET.rounds + 1):
        replies = {str(site): train_shared(each, shared, number) for site, each in enumerate(tables)}
        moved.append((shared["plain"], replies["0"]["plain"]))
        shared = average_heads(keys, replies, cases)
    return moved


def one_round(rows: FeatureRows, rng: np.random.Generator) -> list[Movement]:
    """One round of FedAvg on all of the site's patients, as `train` has it."""
    start = torch.zeros(1, rows.features.shape[1] + 1, 2)
    moving = start.clone().requires_grad_(True)
    optimizer = torch.optim.AdamW([moving], lr=0.003)
    for _ in range(15):
        batch = torch.from_numpy(rng.choice(len(rows.targets), min(16, len(rows.targets)), replace=False))
        loss = torch.nn.functional.cross_entropy(logits_of(rows.features[batch], moving)[0], rows.targets[batch])
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    return [(start, moving.detach())]


def leaning(movement: Movement, candidates: FeatureRows) -> tuple[np.ndarray, np.ndarray]:
    """(k, m) cosine of each head's movement with each candidate's pull, and (k, m) how far its loss fell."""
    before, after = movement
    features = torch.cat([candidates.features, torch.ones(len(candidates.features), 1)], dim=1)
    truth = torch.nn.functional.one_hot(candidates.targets, 2).float()
    pull = truth - torch.softmax(logits_of(candidates.features, before), dim=-1)
    step = after - before
    along = (torch.einsum("md,kdc->kmc", features, step) * pull).sum(dim=-1)
    lengths = features.norm(dim=1) * pull.norm(dim=-1) * step.flatten(1).norm(dim=1)[:, None]
    losses = [-(torch.log_softmax(logits_of(candidates.features, heads), dim=-1) * truth).sum(-1) for heads in movement]
    return (along / lengths.clamp(min=1e-12)).numpy(), (losses[0] - losses[1]).numpy()


def auc(scores: np.ndarray, member: np.ndarray) -> float:
    """Share of (member, other) pairs in the right order, ties half."""
    apart = scores[member][:, None] - scores[~member][None]
    return float((np.sign(apart) / 2 + 0.5).mean())


def attack(moved: list[Movement], candidates: FeatureRows, member: np.ndarray) -> float:
    """AUC of the best attack: by either sign, or by cosines and their folds, over all rounds, five, or the first."""
    signs = [np.stack(part) for part in zip(*(leaning(each, candidates) for each in moved), strict=True)]
    found = []
    for rounds in (1, 5, len(moved)):
        cosine, fallen = (sign[:rounds].sum(axis=0) for sign in signs)
        found += [
            cosine.mean(axis=0),
            fallen.mean(axis=0),
            standard(cosine.mean(axis=0)) + standard(over_folds(cosine)),
        ]
    return max(auc(scores, member) for scores in found)


def over_folds(cosine: np.ndarray) -> np.ndarray:
    """(m,) by how much the middle fold exceeds the lowest, of FedAvg's heads: the first in a table."""
    folds = cosine[:FOLDS] - cosine[:FOLDS].mean(axis=1, keepdims=True)
    ordered = np.sort(folds, axis=0)
    found: np.ndarray = ordered[len(ordered) // 2] - ordered[0]
    return found


def standard(values: np.ndarray) -> np.ndarray:
    """With mean 0 and deviation 1; zeros where nothing varies."""
    apart: np.ndarray = values - values.mean()
    return apart / max(float(values.std()), 1e-12)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--group", default="cxr_cls", choices=("cxr_cls", "brain_cls", "breast_cls"))
    parser.add_argument("--draws", type=int, default=20)
    options = parser.parse_args()
    torch.set_num_threads(1)
    folders = sorted(path for path in (options.data / options.group).iterdir() if path.is_dir())
    sites = [read(folder) for folder in folders]
    scale = float(np.sqrt(np.mean([float((site.features**2).mean()) for site in sites])))
    since = time.strftime("%Y-%m-%d")
    print("# Membership: what a rehearsal's heads give away\n")
    print(f"`benchmarks/rehearsal_membership.py`, {options.group}, {options.draws} draws, seed {SEED}; {ENCODER} at")
    print(
        f"{SIZE} px; {platform.machine()}, torch {torch.__version__}, {since}. Mean AUC of the best of nine attacks.\n"
    )
    kinds_of = ("a rehearsal, all heads", "its FedAvg in one fold", "one round of that")
    print(f"| patients | {' | '.join(kinds_of)} | one round of `train` | the same in five folds |")
    print("|---|---|---|---|---|---|")
    for count in SIZES:
        kinds: dict[str, list[float]] = {"all": [], "fold": [], "first": [], "train": [], "folds": []}
        for draw in range(options.draws):
            rng = np.random.default_rng([SEED, count, draw])
            pools = [rng.permutation(len(site.classes)) for site in sites]
            first = draw % len(sites)
            order = [first, *(place for place in range(len(sites)) if place != first)]
            mine, others = pools[first][:count], pools[first][count : 2 * count]
            tables = [table_of(sites[place], pools[place][:count], scale, FOLDS) for place in order]
            known = np.concatenate([mine, others])
            candidates = FeatureRows(sites[first].features[known] / scale, sites[first].classes[known])
            member = np.arange(len(known)) < count
            moved = rehearsed(tables)
            in_fold: Callable[[Movement], Movement] = lambda pair: (pair[0][:1], pair[1][:1])  # noqa: E731
            kinds["all"].append(attack(moved, candidates, member))
            kinds["fold"].append(attack([in_fold(pair) for pair in moved], candidates, member))
            kinds["first"].append(attack([in_fold(moved[0])], candidates, member))
            rows = tables[0]["plain"].rows
            assert isinstance(rows, FeatureRows)
            kinds["train"].append(attack(one_round(rows, rng), candidates, member))
            parts = [torch.from_numpy(np.flatnonzero(chosen)) for chosen in tables[0]["plain"].train]
            in_folds = [one_round(FeatureRows(rows.features[part], rows.targets[part]), rng)[0] for part in parts]
            together = (torch.cat([before for before, _ in in_folds]), torch.cat([after for _, after in in_folds]))
            kinds["folds"].append(attack([together], candidates, member))
        cells = [f"{np.mean(values):.3f} ± {np.std(values) / np.sqrt(len(values)):.3f}" for values in kinds.values()]
        print(f"| {count} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
