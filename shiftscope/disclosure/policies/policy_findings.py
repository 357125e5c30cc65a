"""What the doctor says of a site's policy."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from shiftscope.checks.policy import ANY, near
from shiftscope.disclosure.policies.admissibility import lacks_room
from shiftscope.disclosure.policies.policy_texts import find_site_policy, read_site_policy
from shiftscope.disclosure.policies.site_policy import FEWEST_SCORED
from shiftscope.errors import PolicyError
from shiftscope.federations.doctor.health_findings import HealthFinding, failed, fine, warned

__all__ = ["policy_findings", "room_findings"]

_NEARLY, _LISTED = 0.8, 3
"""Share of the room from which it is warned of; how many of the largest are named."""


def policy_findings(path: Path, methods: Sequence[str]) -> Iterator[HealthFinding]:
    """Whether there is a policy that can be read, whether it allows any order at all, and whether it names methods that
    are none: an order with the method that was meant would be refused. And whether it lets out scores of a few.

    Args:
        path: of `policy.toml`.
        methods: keys of `CONTROLS` and `PERSONALIZERS`. Training knows them, and this room does not know training; all
            other names the policy checks itself.
    """
    if not (path.exists() or path.is_symlink()):
        yield warned(
            "policy",
            f"there is no {path.name}: nothing leaves, whoever asks",
            f"write {path}; docs/disclosure.md says what it holds",
        )
        return
    try:
        found = read_site_policy(path)
    except PolicyError as problem:
        yield failed("policy", f"nothing leaves, because it cannot be read: {problem}", "mend it: docs/disclosure.md")
        return
    if not found.kinds:
        yield warned(
            "policy",
            f"{path.name} allows no order: nothing leaves, whoever asks",
            f"edit {path}: 'kinds' first; docs/disclosure.md says what each key allows",
        )
        return
    for name in found.methods:
        if name not in (*methods, ANY):
            yield warned(
                "policy",
                f"{path.name} allows the method '{name}', and there is none of that name{near(name, methods)}",
                f"correct 'methods' in {path}",
            )
    if found.metrics and found.min_scored < FEWEST_SCORED:
        yield warned(
            "policy",
            f"{path.name} lets out scores that rest on fewer than {FEWEST_SCORED} patients (min_scored ="
            f" {found.min_scored})",
            f"set 'min_scored' in {path} to {FEWEST_SCORED} or more, or leave 'metrics' empty",
        )
    yield fine("policy", f"{path.name} follows orders to {', '.join(found.kinds)}")


def room_findings(path: Path, taken: Mapping[str, int]) -> Iterator[HealthFinding]:
    """Whether orders left less at the site than the policy lets them, and what takes most; nothing without a policy.

    Args:
        path: of `policy.toml`.
        taken: part of the site's folder -> bytes, as `JoinedSite.taken` has it.
    """
    try:
        policy = find_site_policy(path)
    except PolicyError:
        return
    if policy is None:
        return
    total, most = sum(taken.values()) / 1e9, policy.max_gigabytes
    found = f"{total:.3g} of {most:g} GB that {path.name} allows are taken by what orders left"
    largest = sorted(taken, key=lambda name: -taken[name])[:_LISTED]
    named = ", ".join(f"{name} ({taken[name] / 1e9:.3g} GB)" for name in largest if taken[name])
    remedy = (
        f"in {path.parent} remove runs that will not be resumed, or move releases away whole to where it is kept, or"
        f" raise 'max_gigabytes' in {path}; largest: {named or 'nothing yet'}"
    )
    if lacks_room(policy, sum(taken.values())) is not None:
        yield failed("room for runs", f"{found}: nothing is begun or sent", remedy)
    elif total > _NEARLY * most:
        yield warned("room for runs", found, remedy)
    else:
        yield fine("room for runs", found)
