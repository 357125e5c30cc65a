"""What the coordinator does where a site's policy keeps a value at the site: said in the result, never guessed."""

from collections.abc import Collection, Mapping, Sequence

from shiftscope.training.runs.answer_values import few_text

__all__ = ["kept_in_rehearsal", "kept_note", "kept_scores", "kept_statistics"]

_INSTEAD = {
    "patients": "its patients are counted as the plan counts them",
    "cases": "its updates weigh as many training cases as the plan expects of it",
    "loss": "a round's mean loss is that of the other sites",
    "spread": "nobody knows how its difference varies with patients, so the mean difference is that of the other sites",
    "change": "whether its images change is not known here",
    "signal": "what a harmonizer leaves of what the model learns is not known here",
    "choice": "which model it uses of a strategy that it may give up for the baseline's is not known here",
    "validation": "its scores on validation cases are unknown here",
}
"""What is kept -> what was done about it, or what nobody can know. Everything else that is kept is a metric."""

_NO_CHOICE = "too few validation patients choose no model there, and it uses each strategy's own"

_INSTEAD_IN_REHEARSAL = {
    "cases": "its heads weigh as many training cases as the plan expects of it",
    "labels": "its classes are taken to be uneven",
}

_COUNTED = ("left_out",)


def kept_note(site: str, kept: Collection[str], few: Collection[str] = ()) -> str:
    """A sentence for a result: what a site keeps at home, and what follows from it.

    Args:
        few: what of it rests on fewer patients than the site's policy lets out.
    """
    scores = [name for name in sorted(kept) if name not in _INSTEAD and name not in _COUNTED]
    instead = {**_INSTEAD, "choice": _NO_CHOICE} if "choice" in few else _INSTEAD
    follows = [instead[name] for name in instead if name in kept]
    if scores:
        follows.append(f"its {' and '.join(scores)} {'is' if len(scores) == 1 else 'are'} unknown here, and not zero")
    if few:
        follows.append(few_text(", ".join(sorted(few))))
    return _sentence(site, kept, follows)


def kept_in_rehearsal(site: str, kept: Collection[str]) -> str:
    """The same of a rehearsal."""
    return _sentence(site, kept, [says for name, says in _INSTEAD_IN_REHEARSAL.items() if name in kept])


def kept_statistics(kept: Mapping[str, Sequence[str]], harmonizers: Sequence[str]) -> list[str]:
    """A sentence for every site whose policy keeps statistics of harmonizers at the site.

    Args:
        kept: site -> names of arrays that it keeps: "statistics/NAME", or "statistics/HARMONIZER/FOLD/NAME" where
            several harmonizers were asked for.
        harmonizers: that were asked for.
    """
    notes = []
    for site, names in kept.items():
        parts = [name.split("/") for name in names if name.startswith("statistics/")]
        whose = (
            harmonizers if len(harmonizers) == 1 else [each for each in harmonizers if any(each in p for p in parts)]
        )
        if parts and whose:
            notes.append(f"site {site}: its policy keeps its statistics for {', '.join(whose)} at the site")
    return notes


def kept_scores(
    weights: Mapping[str, Collection[str]], judged: Mapping[str, Collection[str]], few: Mapping[str, Collection[str]]
) -> list[str]:
    """A sentence for every site that keeps what its validation patients say, in a rehearsal that goes on without it.

    Args:
        weights, judged: site -> names that it keeps of how much of its own heads it wants, and of its scores.
        few: site -> those of either that rest on fewer patients than its policy lets out.
    """
    notes = []
    for site in weights:
        scores = [name for name in judged.get(site, ()) if name.startswith("validation.")]
        said = {"how much of its own heads they want": weights[site], "scores": scores}
        what = [kind for kind, names in said.items() if names]
        of_few = [kind for kind in what if not {*said[kind]}.isdisjoint(few.get(site, ()))]
        if what:
            keeps = f"site {site}: its policy keeps what its validation patients say at the site: {', '.join(what)}"
            notes.append("; ".join([keeps, *([few_text(" and ".join(of_few))] if of_few else [])]))
    return notes


def _sentence(site: str, kept: Collection[str], follows: Collection[str]) -> str:
    return "; ".join([f"site {site}: its policy keeps {', '.join(sorted(kept))} at the site", *follows])
