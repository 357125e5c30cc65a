"""What hospitals refuse in a running federation, each request by the name of its rule.

python benchmarks/refusals.py > docs/results/refusals.md

A federation on the loopback (`loopback.py`). Its coordinator asks what it must not: orders that nobody signed, or
somebody else, or that are changed, too large, late, repeated, or for others; what a site's policy keeps; questions that
no order holds. Each request goes to one of three hospitals through SuperLink and door, as any other, and is answered by
its service. It counts as refused where the coordinator is told the expected rule and nothing else, the hospital's log
of releases has grown by entries that let nothing out, and its own people read of it. Exits with 1 where one is not.
About five minutes on two slow cores.
"""

import argparse
import base64
import itertools
import json
import os
import secrets
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from flwr.app import Context, Message
from flwr.serverapp import Grid, ServerApp
from loopback import EVERYTHING, NAME, SITES, Loopback, federation, hospitals, plan_of, provenance

from shiftscope.disclosure.policies.policy_texts import policy_text
from shiftscope.disclosure.releases.release_log import ReleaseLog
from shiftscope.federations.enrolment_documents.signed_documents import moment
from shiftscope.federations.orders import Order, OrderedArm, OrderedProfile
from shiftscope.federations.signed_orders import SignedOrder, sign_order
from shiftscope.federations.site_folders import JoinedSite
from shiftscope.plans import Plan
from shiftscope.training.federation.flower.deployed.deployments import nodes_of, submitted
from shiftscope.training.federation.flower.deployed.prompt_grids import PromptGrid
from shiftscope.training.federation.flower.messages import failure_of, pack
from shiftscope.training.federation.payloads import Payload

SIZE = 32
ANSWER_S = 120.0
STRANGER = Ed25519PrivateKey.generate()
TRAIN_FACTS: dict[str, Any] = {"arm": "baseline", "seed": 0, "round": 1, "accepted": 0}
SHARE_FACTS: dict[str, Any] = {"harmonizer": "quantile_map", "fold": 0, "exchange": 0}
COMPARE_FACTS: dict[str, Any] = {"seeds": [0], "judged": []}

HEAD = """# What hospitals refuse

{count} requests to three hospitals of a running federation (SuperLink, door and services on the loopback, in TLS and
with keys), that must be refused; {date}, {machine}, by `benchmarks/refusals.py`. Told to the coordinator: all that it
gets. Let out: entries of the hospital's log of releases that let anything out meanwhile. Told at the hospital: whether
its own people can read of it there.

| request | rule | told to the coordinator | let out | told at the hospital |
|---|---|---|---:|---|
"""


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked.

    Attributes:
        what: in words.
        rule: that has to refuse it.
        question: as messages call it.
        facts: of the question.
        policy: keys of the site's that are other than in a policy that allows everything; None for no policy at all.
    """

    what: str
    rule: str
    question: str = "query.describe"
    facts: Mapping[str, Any] = field(default_factory=dict)
    policy: Mapping[str, Any] | None = field(default_factory=dict)


def of_policy(plan: Plan) -> list[Request]:
    """What the policy of the moment keeps, under an order to train."""
    describe = "query.describe"
    return [
        Request("no policy at all", "policy", policy=None),
        Request("an order to train, where only profiles are allowed", "kinds", policy={"kinds": ("profile",)}),
        Request("an order of any kind, where none is allowed", "kinds", policy={"kinds": ()}),
        Request("a method that is not allowed", "methods", policy={"methods": ("fedavg",)}),
        Request("a plan of other methods than the one that is allowed", "methods", policy={"methods": ()}),
        Request("a harmonizer that is not allowed", "harmonizers", policy={"harmonizers": ("zscore",)}),
        Request("more rounds than are allowed", "max_rounds", policy={"max_rounds": plan.rounds - 1}),
        Request("any computing, where none is allowed", "max_seconds", policy={"max_seconds": 0.0}),
        Request("a model of fewer patients than are asked for", "min_patients", policy={"min_patients": 1000}),
        Request("data that shiftscope could write to", "read_only", policy={"read_only": True}),
        Request("weights, under such a policy", "read_only", "train", TRAIN_FACTS, {"read_only": True}),
        Request("scores, with no policy", "policy", "evaluate", {"arm": "baseline", "seed": 0, "accepted": 0}, None),
        Request("statistics, with no policy", "policy", "query.share", SHARE_FACTS, None),
        Request(
            "statistics of a harmonizer that is not allowed",
            "harmonizers",
            "query.share",
            SHARE_FACTS,
            {"harmonizers": ()},
        ),
        Request("a policy that cannot be read", "policy", describe, policy={"": "?"}),
    ]


def of_question() -> list[Request]:
    """What no order holds, where the policy allows everything."""

    def train(what: str, rule: str, **facts: Any) -> Request:
        return Request(what, rule, "train", {**TRAIN_FACTS, **facts})

    def share(what: str, rule: str, **facts: Any) -> Request:
        return Request(what, rule, "query.share", {**SHARE_FACTS, **facts})

    return [
        Request("images", "question", "query.images"),
        Request("a file by its path", "question", "query.file", {"path": "/etc/passwd"}),
        Request("a program of Flower's", "question", "train.default"),
        Request("a profile, under an order to train", "question", "query.profile"),
        Request(
            "heads of a rehearsal, under an order to train", "question", "train.heads", {"round": 1, "scale": [1.0]}
        ),
        train("training, with a field that is unknown", "unknown_field", show="images"),
        Request("a description, with a field that is unknown", "unknown_field", "query.describe", {"names": True}),
        share("statistics, with a field that is unknown", "unknown_field", patient="p017"),
        train("a strategy that is not in the order", "arm", arm="other"),
        train("a strategy named as a path", "arm", arm="../../etc"),
        train("a seed that is not in the plan", "seed", seed=3),
        train("a seed that is no number", "seed", seed=True),
        train("a round after the last", "round", round=99),
        train("a round before the first", "round", round=0),
        train("a round that is no number", "round", round="1"),
        share("a harmonizer that is not in the order", "harmonizer", harmonizer="nyul"),
        share("a fold that is not in the plan", "fold", fold=5),
        share("an exchange that the harmonizer has not", "exchange", exchange=7),
        Request(
            "scores of a strategy that is not in the order", "arm", "evaluate", {"arm": "x", "seed": 0, "accepted": 0}
        ),
        Request(
            "a comparison of seeds that are not in the plan", "seed", "query.compare", {**COMPARE_FACTS, "seeds": [7]}
        ),
        Request(
            "a comparison of other strategies", "arm", "query.compare", {**COMPARE_FACTS, "judged": [["x", 0, True]]}
        ),
    ]


def of_order(running: Loopback, made: Callable[..., Order]) -> list[tuple[Request, bytes]]:
    """Orders that are none of this site's, or not what was signed; asked of the first site."""
    key = running.coordinator.signing_key()

    def signed(**keys: Any) -> bytes:
        return sign_order(made(**keys), key).to_bytes()

    def raw(**keys: Any) -> bytes:
        """Of values that no `Order` has."""
        text = json.dumps({**json.loads(made().canonical), **keys}, sort_keys=True, separators=(",", ":"))
        envelope = json.loads(signed())
        signature = base64.b64encode(key.sign(b"shiftscope order 1\n" + text.encode())).decode()
        return json.dumps({**envelope, "order": text, "signature": signature}).encode()

    def planned(**keys: Any) -> bytes:
        return signed(plan=plan.model_copy(update=keys))

    now, plan = datetime.now(UTC), made().plan
    assert plan is not None
    sites = {name: site.model_copy(update={"fingerprint": "f" * 64}) for name, site in plan.sites.items()}
    future = {"created": moment(now + timedelta(hours=2)), "expires": moment(now + timedelta(hours=4))}
    past = {"created": moment(now - timedelta(hours=2)), "expires": moment(now - timedelta(hours=1))}
    profile = {"kind": "profile", "plan": None, "arms": (), "profile": OrderedProfile()}
    many, asks = {"min_patients": 1000}, "query.profile"
    return [
        (Request("no order", "order_form"), b""),
        (Request("an order that is no JSON", "order_form"), b"not an order"),
        (Request("an order that is cut short", "order_form"), signed()[:-40]),
        (Request("an order that is larger than any", "order_size"), b" " * (SignedOrder.MOST_BYTES + 1)),
        (Request("an order that a stranger signed", "order_key"), sign_order(made(), STRANGER).to_bytes()),
        (Request("an order of which a byte was changed", "order_signature"), signed().replace(b"fedbn", b"local")),
        (Request("an order of a later version", "order_schema"), raw(schema=99)),
        (Request("an order to delete", "order_kind"), raw(kind="delete")),
        (Request("an order with a key that orders have not", "order_form"), raw(command="rm")),
        (Request("an order of another federation", "order_federation"), signed(federation="thames")),
        (Request("an order that does not name this site", "order_site"), signed(sites=("b", "c"))),
        (Request("an order from the future", "order_clock"), signed(**future)),
        (Request("an order whose time is over", "order_expired"), signed(**past)),
        (Request("a plan for other images than these", "PlanError"), planned(sites=sites)),
        (
            Request("a plan with code of the operator's own", "own_code", policy={"own_code": False}),
            planned(loss="hospital_losses:dice"),
        ),
        (Request("a plan of weights that could be any", "PlanError"), planned(weights="w.pth")),
        (Request("a profile without noise", "epsilon", asks, policy={"epsilon": 2.0}), signed(**profile)),
        (
            Request("a profile of fewer patients than are asked for", "min_patients", asks, policy=many),
            signed(**profile),
        ),
        (Request("weights, under an order to profile", "question", "train", TRAIN_FACTS), signed(**profile)),
    ]


def main_of_app(grid: Grid, context: Context) -> None:
    """What Flower calls in a process of its own: it asks, and writes down what it was told."""
    job = json.loads(Path(str(context.run_config["job"])).read_text(encoding="utf-8"))
    asking = PromptGrid(grid)
    heard: list[list[str]] = []
    for asked in job["requests"]:
        if asked["policy"] is None:
            Path(asked["path"]).unlink(missing_ok=True)
        else:
            Path(asked["path"]).write_text(asked["policy"], encoding="utf-8")
        payload = Payload(facts=asked["facts"])
        message = Message(pack(payload), dst_node_id=int(asked["node"]), message_type=asked["question"], ttl=ANSWER_S)
        replies = list(asking.send_and_receive([message], timeout=ANSWER_S))
        heard.append([failure_of(each.error) if each.has_error() else "AN ANSWER" for each in replies])
    Path(job["answers"]).write_text(json.dumps(heard), encoding="utf-8")


server = ServerApp()
server.main()(main_of_app)


class Asking:
    """Sends requests, a run of the engine for each order.

    Args:
        running: the federation.
    """

    def __init__(self, running: Loopback) -> None:
        self.running = running
        self.sites = {name: JoinedSite.open(running.root / name, NAME) for name in SITES}
        self.nodes = nodes_of(running.coordinator, list(SITES))
        self.number = itertools.count()

    def ask(self, requests: list[tuple[str, Request]], order: bytes) -> list[str]:
        """Rows of the table, of requests to sites under one order."""
        folder = self.running.root / f"asked{next(self.number)}"
        folder.mkdir()
        job = {
            "answers": str(folder / "answers.json"),
            "requests": [
                {
                    "question": request.question,
                    "facts": dict(request.facts),
                    "policy": _policy(request),
                    "path": str(self.sites[site].policy),
                    "node": self.nodes[site],
                }
                for site, request in requests
            ],
        }
        (folder / "job.json").write_text(json.dumps(job), encoding="utf-8")
        before = {site: (len(self._rows(site)), self._said(site)) for site in SITES}
        config = {"job": str(folder / "job.json"), "order": base64.b64encode(order).decode("ascii")}
        with submitted(self.running.coordinator, folder / "flower.log", config, "refusals:server") as (run, _):
            while run.poll() is None and not (folder / "answers.json").exists():
                time.sleep(0.2)
        replies = json.loads((folder / "answers.json").read_text(encoding="utf-8"))
        rows = []
        for (site, request), answers in zip(requests, replies, strict=True):
            out = [row for row in self._rows(site)[before[site][0] :] if row["outcome"] == "released"]
            heard = self._said(site) - before[site][1] >= sum(each == site for each, _ in requests)
            expected = [request.rule if request.rule.endswith("Error") else f"withheld: {request.rule}"]
            said = "; ".join(f"`{answer}`" for answer in answers) or "nothing"
            rows.append(
                f"| {request.what} | `{request.rule}` | {said if answers == expected else f'**{said}**'} | {len(out)} |"
                f" {'yes' if heard else '**no**'} |"
            )
            print(site, rows[-1], file=sys.stderr)
        return rows

    def legitimate(self, order: bytes) -> None:
        """A question that is answered, so that the order is begun."""
        self.ask([("a", Request("a description", "none"))], order)

    def _rows(self, site: str) -> list[dict[str, Any]]:
        return ReleaseLog(self.sites[site].releases).rows()

    def _said(self, site: str) -> int:
        log = self.sites[site].path / "errors.log"
        return log.read_text(encoding="utf-8").count("kept here") if log.exists() else 0


def _policy(request: Request) -> str | None:
    """Its text."""
    if request.policy is None:
        return None
    if "" in request.policy:
        return "kinds = ["
    return policy_text(EVERYTHING.model_copy(update=dict(request.policy)))


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.parse_args()
    os.environ["PYTHONPATH"] = os.pathsep.join([str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")])
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        root = Path(folder)
        data = hospitals(root / "data", SIZE)
        plan = plan_of(
            data,
            name="refused",
            image_size=SIZE,
            rounds=4,
            local_steps=2,
            batch_size=8,
            harmonizer="quantile_map",
            personalizer="fedbn",
        )

        def made(**keys: Any) -> Order:
            now = datetime.now(UTC)
            values: dict[str, Any] = {
                "federation": NAME,
                "kind": "train",
                "sites": tuple(SITES),
                "created": moment(now),
                "expires": moment(now + timedelta(hours=1)),
                "nonce": secrets.token_hex(16),
                "run": secrets.token_hex(16),
                "plan": plan.model_copy(update={"data": {}}),
                "arms": (
                    OrderedArm(name="baseline", algorithm="fedavg", harmonizer=None, rounds=4),
                    OrderedArm(name="adapted", algorithm="fedbn", harmonizer="quantile_map", rounds=4, gated=True),
                ),
                "timeout_s": ANSWER_S,
            }
            return Order(**(values | keys))

        with federation(root, data) as running:
            asking, key = Asking(running), running.coordinator.signing_key()
            several = list(zip(itertools.cycle(SITES), [*of_policy(plan), *of_question()]))
            rows = asking.ask(several, sign_order(made(), key).to_bytes())
            for request, order in of_order(running, made):
                rows += asking.ask([("a", request)], order)
            begun = sign_order(made(), key).to_bytes()
            asking.legitimate(begun)
            rows += asking.ask([("a", Request("an order that was begun in another run", "order_replayed"))], begun)
    head = HEAD.format(count=len(rows), **provenance())
    print(head + "\n".join(rows))
    if any("**" in row or "| 0 |" not in row for row in rows):
        raise SystemExit(1)


if __name__ == "__main__":
    main()
