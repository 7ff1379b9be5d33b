"""What must be true before the first object is deleted.

Nothing is deleted, on any cluster, while one that is to lose an object does not answer.

The engine deletes level by level, across clusters: a client cluster's objects would be gone before a delete fails on a
serving cluster that is down. `Removals` depends on every route, so it is updated when they have moved and before the
first delete; where its update fails, the engine deletes nothing.

No preview lets a Service go whose name is still called: its callers would get no answer until somebody makes another.
"""

import os
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import pulumi
from pulumi import dynamic

if TYPE_CHECKING:
    from .kubeconfig import Server

FORGET = "PULUMI_K8S_DELETE_UNREACHABLE"
"""Where this environment variable is `true`, pulumi-kubernetes forgets what is on a cluster that does not answer."""


class Names(NamedTuple):
    """Services by their keys, as far as their names are called on a cluster."""

    called: frozenset[str]
    """Rules speak for calls to these names. Most of these Services are not ours."""
    staying: frozenset[str]
    """Ours, but the cluster keeps them when they leave the program."""


class RemovalsProvider(dynamic.ResourceProvider):
    """Refuses deletes while a cluster that would lose objects does not answer, and of names that are called.

    Its update runs after the routes have moved and before the first delete, and only where `objects` loses something.
    It remembers by its inputs alone, which the engine keeps also where nothing changes. State refers to this class by
    its import path: never move or rename it.
    """

    serialize_as_secret_always = False

    def check(self, _olds: dict[str, Any], news: dict[str, Any]) -> dynamic.CheckResult:
        """Adds what `losing` names; a cluster that has left the program is asked where it was reached before.

        Fails where a name is to go that is called. One that stays was registered as such in an update before: a delete
        knows only the state.
        """
        losing = sorted(set(_olds.get("objects") or ()) - set(news["objects"]))
        servers = news["servers"]
        if isinstance(servers, dict):  # else not known yet, in a preview
            before: Mapping[str, Any] = _olds.get("servers") or {}
            servers = {**{cluster: before.get(cluster) for cluster in _by_cluster(losing)}, **servers}
        going = set(losing).intersection(news["called"]).difference(_olds.get("staying") or ())
        failures = [dynamic.CheckFailure("objects", _STILL_CALLED.format(key)) for key in sorted(going)]
        return dynamic.CheckResult({**news, "losing": losing, "servers": servers}, failures)

    def diff(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> dynamic.DiffResult:
        moved = _olds[dynamic.dynamic.PROVIDER_KEY] != _news[dynamic.dynamic.PROVIDER_KEY]
        return dynamic.DiffResult(changes=moved or bool(_news["losing"]))

    def create(self, _props: dict[str, Any]) -> dynamic.CreateResult:
        return dynamic.CreateResult("removals", {})

    def update(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> dynamic.UpdateResult:
        """Raises `UnreachableError` with every cluster that is to lose something and does not answer."""
        if os.environ.get(FORGET) != "true":
            _ask(_by_cluster(_news["losing"]), _news["servers"])
        return dynamic.UpdateResult({})


class Removals(dynamic.Resource, module="mesh", name="Removals"):
    """Stands behind the routes and before every delete of `objects` (keys); `servers` says where clusters answer."""

    def __init__(
        self,
        name: str,
        objects: Iterable[str],
        servers: "pulumi.Input[Mapping[str, Server | None]]",
        names: Names,
        opts: pulumi.ResourceOptions,
    ) -> None:
        props = {
            "objects": sorted(objects),
            "servers": servers,
            "called": sorted(names.called),
            "staying": sorted(names.staying),
        }
        super().__init__(RemovalsProvider(), name, props, opts)


_STILL_CALLED = (
    "{} is to go, and its name is still called; hand it over first, in an update of its own, "
    "with `createService: handOver`"
)


class UnreachableError(Exception):
    """Clusters that are to lose objects do not answer; `reasons` says of each of these why."""

    def __init__(self, reasons: Mapping[str, str], losing: Mapping[str, list[str]]) -> None:
        heading = "nothing is deleted on any cluster, until one more update when these are back:"
        lines = [f"  {cluster} ({reason}), to lose {', '.join(losing[cluster])}" for cluster, reason in reasons.items()]
        cure = f"With {FORGET}=true, an update forgets what is on a cluster that does not come back."
        super().__init__("\n".join([heading, *lines, cure]))
        self.reasons = reasons


def _ask(losing: Mapping[str, list[str]], servers: Mapping[str, Any]) -> None:
    from .reachability import why_unreachable

    reasons = {cluster: why_unreachable(servers[cluster]) for cluster in losing if servers.get(cluster)}
    if down := {cluster: reason for cluster, reason in reasons.items() if reason}:
        raise UnreachableError(down, losing)


def _by_cluster(keys: Iterable[str]) -> dict[str, list[str]]:
    """Cluster → `kind/namespace/name` of each of `keys` there."""
    identities: dict[str, list[str]] = {}
    for key in keys:
        cluster, _, identity = key.partition("/")
        identities.setdefault(cluster, []).append(identity)
    return identities
