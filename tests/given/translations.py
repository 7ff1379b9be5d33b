"""Generated specs with the objects that they become."""

from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st
from mesh_federation.mesh.plan.plan import Plan

from tests.given import core
from tests.given.language import federations, narrowed, standing_in
from tests.given.specs import Spec
from tests.given.strategies import specs

Object = dict[str, Any]


@dataclass
class Translation:
    """A spec, and all that follows from it."""

    spec: Spec
    objects: dict[str, list[Object]]
    """By cluster."""
    plan: Plan
    addresses: dict[str, str]
    """Federated host → address."""

    @property
    def everything(self) -> list[tuple[str, Object]]:
        """(cluster, object)"""
        return [(cluster, manifest) for cluster, manifests in self.objects.items() for manifest in manifests]

    def keys(self) -> dict[str, Object]:
        """`cluster/kind/namespace/name` → object."""
        return {key(cluster, manifest): manifest for cluster, manifest in self.everything}


def translate(spec: Spec) -> Translation:
    """What a new stack makes of the spec."""
    plan, addresses = core.new_stack(core.read(spec))
    objects = {cluster: [m.object for m in manifests] for cluster, manifests in plan.manifests.items()}
    return Translation(spec, objects, plan, addresses)


plain_translations = specs().map(translate)
"""Each rule has one entry for HTTP, which takes every call of everybody."""
translations = st.one_of(specs(), federations()).map(translate)
"""The whole language, but that no cluster stands in for another."""
translations_with_substitutes = standing_in().map(translate)
"""The whole language, and clusters stand in for each other."""
translations_with_policies = narrowed().map(translate)
"""The same, with traffic policies at all levels."""
all_translations = st.one_of(translations, translations_with_substitutes)


def key(cluster: str, manifest: Object) -> str:
    """`cluster/kind/namespace/name`."""
    metadata = manifest["metadata"]
    return f"{cluster}/{manifest['kind']}/{metadata['namespace']}/{metadata['name']}"


def of_kind(objects: list[Object], kind: str) -> list[Object]:
    return [manifest for manifest in objects if manifest["kind"] == kind]
