"""The pause between one step of a change and the next.

istiod sends its proxies what has changed after a moment of quiet, at most ten seconds later. Two changes that build on
each other must reach them one after the other: what routes need before the routes, and the routes before it goes.
The engine's own order does that, with one `Convergence` between the two for each pair of client and serving cluster.
"""

import os
import time
from collections.abc import Mapping
from typing import Any

import pulumi
from pulumi import dynamic

OVERRIDE = "MESH_SETTLE_SECONDS"
"""Environment variable that overrides what stack and state say, for an emergency."""


class ConvergenceProvider(dynamic.ResourceProvider):
    """Waits where routes are about to use something new, or something is about to go that they have just left.

    State refers to this class by its import path: never move or rename it.
    """

    serialize_as_secret_always = False

    def check(self, _olds: dict[str, Any], news: dict[str, Any]) -> dynamic.CheckResult:
        """Refuses a removal together with a longer wait: the delete sees only the old, shorter one."""
        gone = _keys(_olds) - _keys(news)
        if gone and news["settleSeconds"] > _olds["settleSeconds"] and OVERRIDE not in os.environ:
            reason = (
                f"raised from {_olds['settleSeconds']:.0f} to {news['settleSeconds']:.0f} together with the removal of "
                f"{', '.join(sorted(gone))}; raise it first, in an update of its own"
            )
            return dynamic.CheckResult(news, [dynamic.CheckFailure("settleSeconds", reason)])
        return dynamic.CheckResult({**news, "waits": _announcement(_olds, news)}, [])

    def diff(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> dynamic.DiffResult:
        """Something gone: replaced, create before delete, so that the old one's delete waits after routes have left."""
        if _keys(_olds) - _keys(_news):
            return dynamic.DiffResult(changes=True, replaces=["objects"], delete_before_replace=False)
        same = all(_olds[key] == _news[key] for key in ("objects", "settleSeconds", dynamic.dynamic.PROVIDER_KEY))
        return dynamic.DiffResult(changes=not same)

    def create(self, props: dict[str, Any]) -> dynamic.CreateResult:
        _wait(props)
        return dynamic.CreateResult("converged", dict(props))

    def update(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> dynamic.UpdateResult:
        if _olds["objects"] != _news["objects"]:
            _wait(_news)
        return dynamic.UpdateResult(dict(_news))

    def delete(self, _id: str, _props: dict[str, Any]) -> None:
        _wait(_props)


class Convergence(dynamic.Resource, module="mesh", name="Convergence"):
    """Stands behind `objects` (key → digest of spec) and before the routes that use them.

    Depends on the former; the latter depend on it.
    """

    def __init__(
        self,
        name: str,
        objects: Mapping[str, pulumi.Input[str]],
        settle_seconds: int,
        opts: pulumi.ResourceOptions,
    ) -> None:
        props = {
            "objects": dict(sorted(objects.items())),
            "settleSeconds": settle_seconds,
            "waits": None,
        }
        # it owns nothing: whatever protects or retains the objects must not keep it
        unprotected = pulumi.ResourceOptions(protect=False, retain_on_delete=False)
        super().__init__(ConvergenceProvider(), name, props, pulumi.ResourceOptions.merge(opts, unprotected))


class ConvergencePlugin(pulumi.ProviderResource):
    """A plugin process of its own for the `Convergence`s of one client cluster: one process serves four at a time."""

    def __init__(self, name: str, opts: pulumi.ResourceOptions) -> None:
        unprotected = pulumi.ResourceOptions(protect=False, retain_on_delete=False)
        super().__init__("pulumi-python", name, {}, pulumi.ResourceOptions.merge(opts, unprotected))


def _keys(state: Mapping[str, Any]) -> set[str]:
    return set(state.get("objects") or {})


def _announcement(olds: Mapping[str, Any], news: Mapping[str, Any]) -> str:
    """What a preview says: how long the update will wait, and for what.

    The engine asks again before it replaces something, and then hands over nothing of the old: so no names can be told
    of a removal, but the preview shows them as the difference of `objects`.
    """
    before, after = olds.get("objects") or {}, news["objects"]
    seconds = f"{_seconds(news):.0f} s"
    if not before or before.keys() - after.keys():
        return f"{seconds} before routes use what is new in objects, {seconds} after they have left what is gone"
    new = sorted(key for key in after if before.get(key) != after[key])
    return f"{seconds} before routes use {', '.join(new)}" if new else "nothing"


def _wait(state: Mapping[str, Any]) -> None:
    time.sleep(_seconds(state))


def _seconds(state: Mapping[str, Any]) -> float:
    return float(os.environ.get(OVERRIDE, state["settleSeconds"]))
