"""Orders to change one key of, and keys that are the same in every run."""

from datetime import UTC, datetime
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from small_plans import planned_sites, small_plan

from shiftscope.federations.orders import Order, OrderedArm, OrderedProfile

__all__ = ["COORDINATOR", "NOW", "PINNED", "PLAN", "SITES", "STRANGER", "profile_order", "small_order"]

COORDINATOR = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
STRANGER = Ed25519PrivateKey.from_private_bytes(bytes(range(1, 33)))
PINNED = COORDINATOR.public_key()

NOW = datetime(2026, 11, 30, 9, 0, tzinfo=UTC)
SITES = ("ashford", "bexley", "colne")
PLAN = small_plan(personalizer="fedbn", sites=planned_sites(SITES, 40))


def small_order(**keys: Any) -> Order:
    """Training of three sites, FedAvg beside FedBN, where `keys` say nothing else."""
    values: dict[str, Any] = {
        "federation": "thames",
        "kind": "train",
        "sites": SITES,
        "created": "2026-11-30T08:59:00Z",
        "expires": "2026-12-01T09:00:00Z",
        "nonce": "0123456789abcdef" * 2,
        "run": "fedcba9876543210" * 2,
        "plan": PLAN,
        "arms": (
            OrderedArm(name="baseline", algorithm="fedavg", harmonizer=None, rounds=10),
            OrderedArm(name="adapted", algorithm="fedbn", harmonizer=None, rounds=10, gated=True),
        ),
        "timeout_s": 60.0,
    }
    return Order(**(values | keys))


def profile_order(**keys: Any) -> Order:
    """Profiles of the same sites."""
    return small_order(**({"kind": "profile", "plan": None, "arms": (), "profile": OrderedProfile()} | keys))
