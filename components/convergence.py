"""The pauses between the steps of a change: `Arrivals` and `Departures`, for each pair of client and serving cluster.

Two changes that build on each other must reach the proxies one after the other. istiod sends what has changed after a
moment of quiet, at most ten seconds later. The engine creates and updates along dependencies, and then deletes in
reverse; the pauses stand between the objects that routes need and the routes.

| what happens to the objects of a pair | waits |
|---|---|
| something is new or changed | `Arrivals`, in its create or update: before the routes change |
| something goes | `Departures`, in the delete of its old self: after the routes have changed |
| both | each of them once |
| the whole pair goes | `Departures`, in its delete |

A removal waits twice where the engine, which deletes level by level, meets the `Departures` of two serving clusters on
two levels.
"""

import os
import time
from collections.abc import Mapping, Sequence
from typing import Any

import pulumi
from pulumi import dynamic

OVERRIDE = "MESH_SETTLE_SECONDS"
"""Environment variable that overrides what stack and state say, for an emergency."""


class ArrivalsProvider(dynamic.ResourceProvider):
    """Waits where routes are about to use something new or changed.

    State refers to this class by its import path: never move or rename it.
    """

    serialize_as_secret_always = False

    def check(self, _olds: dict[str, Any], news: dict[str, Any]) -> dynamic.CheckResult:
        new = _arriving(_olds, news)
        waits = f"{_seconds(news):.0f} s before routes use {', '.join(new)}" if new else "nothing"
        return dynamic.CheckResult({**news, "waits": waits}, [])

    def diff(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> dynamic.DiffResult:
        return dynamic.DiffResult(changes=not _same(_olds, _news))

    def create(self, props: dict[str, Any]) -> dynamic.CreateResult:
        _settle(props)
        return dynamic.CreateResult("arrived", dict(props))

    def update(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> dynamic.UpdateResult:
        if _arriving(_olds, _news):
            _settle(_news)
        return dynamic.UpdateResult(dict(_news))


class DeparturesProvider(dynamic.ResourceProvider):
    """Waits where something is about to go that routes have just left.

    Then it is replaced, create before delete: the engine deletes the old one after it has changed the routes, and
    before it deletes what they used. State refers to this class by its import path: never move or rename it.
    """

    serialize_as_secret_always = False

    def check(self, _olds: dict[str, Any], news: dict[str, Any]) -> dynamic.CheckResult:
        """Refuses a removal together with a longer wait: the delete knows only the old, shorter one."""
        gone = _departing(_olds, news)
        if gone and news["settleSeconds"] > _olds["settleSeconds"] and OVERRIDE not in os.environ:
            reason = (
                f"raised from {_olds['settleSeconds']:.0f} to {news['settleSeconds']:.0f} together with the removal of "
                f"{', '.join(gone)}; raise it first, in an update of its own"
            )
            return dynamic.CheckResult(news, [dynamic.CheckFailure("settleSeconds", reason)])
        # The engine calls check() a second time before a replacement, without the old inputs. So the text cannot list
        # what leaves.
        waits = f"{_seconds(news):.0f} s after routes have left what is gone from objects"
        return dynamic.CheckResult({**news, "waits": waits}, [])

    def diff(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> dynamic.DiffResult:
        if _departing(_olds, _news):
            return dynamic.DiffResult(changes=True, replaces=["objects"], delete_before_replace=False)
        return dynamic.DiffResult(changes=not _same(_olds, _news))

    def create(self, props: dict[str, Any]) -> dynamic.CreateResult:
        return dynamic.CreateResult("departed", dict(props))

    def update(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> dynamic.UpdateResult:
        return dynamic.UpdateResult(dict(_news))

    def delete(self, _id: str, _props: dict[str, Any]) -> None:
        _settle(_props)


class _Pause(dynamic.Resource):
    """What both are to the engine. It owns nothing: whatever protects or retains the objects must not keep it."""

    def __init__(
        self,
        provider: dynamic.ResourceProvider,
        name: str,
        objects: Any,
        settle_seconds: int,
        opts: pulumi.ResourceOptions,
    ) -> None:
        props = {"objects": objects, "settleSeconds": settle_seconds, "waits": None}
        super().__init__(provider, name, props, _unprotected(opts))


class Arrivals(_Pause, module="mesh", name="Arrivals"):
    """Stands behind `objects` (key → digest of spec) and before the routes that are to use them."""

    def __init__(
        self, name: str, objects: Mapping[str, pulumi.Input[str]], settle_seconds: int, opts: pulumi.ResourceOptions
    ) -> None:
        super().__init__(ArrivalsProvider(), name, dict(sorted(objects.items())), settle_seconds, opts)


class Departures(_Pause, module="mesh", name="Departures"):
    """Stands behind `objects` (keys) and before the routes that may have left them."""

    def __init__(self, name: str, objects: Sequence[str], settle_seconds: int, opts: pulumi.ResourceOptions) -> None:
        super().__init__(DeparturesProvider(), name, sorted(objects), settle_seconds, opts)


class ConvergencePlugin(pulumi.ProviderResource):
    """A plugin process of its own for the pauses of one client cluster: one process serves four at a time."""

    def __init__(self, name: str, opts: pulumi.ResourceOptions) -> None:
        super().__init__("pulumi-python", name, {}, _unprotected(opts))


def _unprotected(opts: pulumi.ResourceOptions) -> pulumi.ResourceOptions:
    return pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(protect=False, retain_on_delete=False))


def _arriving(olds: Mapping[str, Any], news: Mapping[str, Any]) -> list[str]:
    """Keys of what is new or changed; a digest that is not known yet counts as changed."""
    before: Mapping[str, Any] = olds.get("objects") or {}
    return sorted(key for key, digest in news["objects"].items() if before.get(key) != digest)


def _departing(olds: Mapping[str, Any], news: Mapping[str, Any]) -> list[str]:
    return sorted(set(olds.get("objects") or ()) - set(news["objects"]))


def _same(olds: Mapping[str, Any], news: Mapping[str, Any]) -> bool:
    return all(olds[key] == news[key] for key in ("objects", "settleSeconds", dynamic.dynamic.PROVIDER_KEY))


def _settle(state: Mapping[str, Any]) -> None:
    time.sleep(_seconds(state))


def _seconds(state: Mapping[str, Any]) -> float:
    return float(os.environ.get(OVERRIDE, state["settleSeconds"]))
