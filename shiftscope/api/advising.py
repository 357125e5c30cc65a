"""`diagnose`, `recommend`, `propose_plan`: at the coordinator, profiles in, no images."""

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import get_args

from shiftscope.api.documents import AnyPath, profiles_of, rehearsal_of
from shiftscope.diagnosis import Diagnosis
from shiftscope.diagnosis import diagnose as diagnose_profiles
from shiftscope.option_values import as_choice
from shiftscope.plans import Plan, RehearsalResult, network_of, read_plan, with_advice, write_plan
from shiftscope.plans import propose_plan as plan_for
from shiftscope.profiles import Profile
from shiftscope.recommendation import RULES, Advice, AdviceBasis, Network, advise, load_policy

__all__ = ["diagnose", "propose_plan", "recommend"]


def diagnose(profiles: Iterable[Profile | AnyPath]) -> Diagnosis:
    """What kind of shift there is, how sure that is, between whom, and because of what.

    Args:
        profiles: of two sites or more, as documents or as paths; their order does not matter.

    Raises:
        ProfileError: fewer than two profiles, two of one site, or a file that is none.
        NotComparable: profiles measured in different ways.
    """
    return diagnose_profiles(profiles_of(profiles))


def recommend(
    profiles: Iterable[Profile | AnyPath],
    *,
    output: AnyPath | None = None,
    network: Network | None = None,
    rehearsal: RehearsalResult | AnyPath | None = None,
) -> Advice:
    """The diagnosis, what to do about it, what that is expected to gain, and what it costs.

    Args:
        profiles: of two sites or more, as documents or as paths; their order does not matter.
        output: an editable plan is written here, called after the file; with a rehearsal it is the plan that was
            rehearsed, with what is advised now and the folders of the plan that lies there, unless another network is
            asked for.
        network: what is to be trained: "pretrained", a network from trained weights; "random", one from random
            weights; "frozen", a linear head on a frozen encoder. None for the rehearsal's, or "pretrained".
        rehearsal: of these sites, as a document or as a path: gains are predicted from both, and what counts for
            nothing is its plan's margin.

    Raises:
        ProfileError: fewer than two profiles, two of one site, or a file that is none.
        NotComparable: profiles measured in different ways.
        PlanError: a plan is asked for, and there is nothing to train, or what lies there is no plan; or the rehearsal
            is of other sites or data.
        UsageError: there is no such network.
    """
    read = profiles_of(profiles)
    given = None if network is None else as_choice("network", network, get_args(Network))
    rehearsed: Plan | None = None
    if rehearsal is None:
        basis = AdviceBasis(load_policy(), given or "pretrained")
    else:
        found = rehearsal_of(rehearsal)
        found.require_of({profile.site: profile.fingerprint for profile in read})
        rehearsed = found.plan
        rules = replace(RULES, margin=rehearsed.margin)
        basis = AdviceBasis(load_policy(), given or network_of(rehearsed), found.measured(), rules)
    advice = advise(read, basis)
    if output is not None:
        path = Path(output)
        if rehearsed is not None and network_of(rehearsed) == basis.network:
            folders = read_plan(path).data if path.exists() else {}
            plan = with_advice(rehearsed, advice.recommendation, path.stem, folders)
        else:
            plan = propose_plan(read, advice, name=path.stem)
        write_plan(plan, path, advice.recommendation.because)
    return advice


def propose_plan(profiles: Iterable[Profile | AnyPath], advice: Advice, *, name: str = "plan") -> Plan:
    """The plan that carries out an advice, on a budget that a workstation without a GPU can run.

    Args:
        profiles: those that the advice is for.
        advice: from `recommend`.
        name: of the plan and of the folder of its run.

    Raises:
        PlanError: the sites have neither masks nor two classes, or the name is none.
    """
    return plan_for(profiles_of(profiles), advice.recommendation, name)
