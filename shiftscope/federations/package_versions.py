"""Which versions a federation must agree on, and which are here."""

from importlib import metadata

__all__ = ["PACKAGES", "versions_here"]

PACKAGES = {"shiftscope": "shiftscope-fl", "flwr": "flwr", "torch": "torch"}
"""What an invitation says versions of -> its distribution."""


def versions_here() -> dict[str, str]:
    """Package -> version, of those that are installed."""
    found = {}
    for name, distribution in PACKAGES.items():
        try:
            found[name] = metadata.version(distribution)
        except metadata.PackageNotFoundError:
            continue
    return found
