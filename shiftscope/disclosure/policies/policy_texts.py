"""A site's policy as TOML that its owner writes: read strictly, and written with what each key is for."""

from pathlib import Path

import tomlkit

from shiftscope.checks.policy import ANY, near
from shiftscope.disclosure.policies.site_policy import COUNTS, METRICS, NOISELESS, SitePolicy
from shiftscope.errors import PolicyError
from shiftscope.federations.orders import KINDS
from shiftscope.parsing import read_toml, refuse_odd

__all__ = ["find_site_policy", "policy_text", "read_site_policy", "template_policy"]

_HEAD = (
    "What this site lets its federation do. Nobody but the site's owner changes this file.",
    "What is not said is not allowed; without this file nothing leaves the site.",
    f'Every list may hold "{ANY}", which allows all there is.',
)

_COMMENTS = {
    "schema": "number of this form of policy",
    "kinds": f"orders that are followed: {', '.join(KINDS)}",
    "min_patients": "with fewer patients in a profile, or to learn from, nothing leaves",
    "min_scored": "with fewer patients behind a score, in the smallest group it is made of, the score stays here",
    "plans": "fingerprints of plans that are allowed, whatever methods they name",
    "methods": "controls and personalizers that any plan may name: fedavg, fedbn, ...",
    "harmonizers": "harmonizers that any plan may name, and whose statistics may leave",
    "max_rounds": "the most rounds of one strategy",
    "max_seconds": "the most seconds of computing here for one order",
    "max_parameters": "the most weights of a model, or of the frozen encoder before it, that a plan may ask for",
    "max_gigabytes": "with more in releases/ and runs/ of this folder nothing new is begun or sent; nothing is deleted",
    "epsilon": f'profiles are noised with this epsilon or less; "{NOISELESS}": they need not be',
    "axes": "axes whose sketches may leave in a profile (shiftscope explain lists them)",
    "measures": "measures that may leave in a profile (shiftscope explain lists them)",
    "metrics": f"scores that may leave: {', '.join(METRICS)}",
    "counts": f"counts that may leave: {', '.join(COUNTS)}",
    "own_code": "whether a plan may bring code of the operator's own",
    "read_only": "whether shiftscope must not be able to write to the data folder",
}


def find_site_policy(path: Path) -> SitePolicy | None:
    """The policy at `path`; None where there is no such file, and then nothing leaves.

    Raises:
        PolicyError: there is one that cannot be read, and then nothing leaves either.
    """
    return read_site_policy(path) if path.exists() or path.is_symlink() else None


def read_site_policy(path: Path) -> SitePolicy:
    """Read a site's policy from TOML.

    Raises:
        PolicyError: the file is missing, too large, is not TOML, or a key or value does not fit.
    """
    values = read_toml(path, SitePolicy.MOST_BYTES, "a site's policy", PolicyError)
    refuse_odd(values, str(path), PolicyError)
    known = ["schema", *SitePolicy.model_fields]
    for key in values:
        if key not in known:
            raise PolicyError(f"{path}: '{key}' is not a key of a site's policy{near(key, known)}")
    return SitePolicy.from_dict(values, str(path), PolicyError)


def policy_text(policy: SitePolicy) -> str:
    """Commented TOML, from which `read_site_policy` makes the same policy."""
    document = tomlkit.document()
    for line in _HEAD:
        document.add(tomlkit.comment(line))
    for key, value in policy.to_dict().items():
        document.add(tomlkit.nl())
        document.add(tomlkit.comment(_COMMENTS[key]))
        if value is None:
            document.add(tomlkit.comment(f"{key} = 1.0"))
        else:
            document.add(key, tomlkit.item(value))
    return tomlkit.dumps(document)


def template_policy() -> str:
    """A policy that allows nothing yet, for the site's owner to fill in."""
    return policy_text(SitePolicy())
