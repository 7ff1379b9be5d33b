"""Callers of a service on a client cluster, and the rules that make one list of entries for them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from .rule import Rule

MESH = "mesh"
"""Istio's word for all workloads of a cluster."""


@dataclass(frozen=True, slots=True)
class Callers:
    """Those callers of a client cluster that share one list of entries. Nobody is in two of them."""

    namespace: str = ""
    """Workloads of this namespace; `""` is every namespace that has no list of its own."""
    gateways: tuple[str, ...] = ()
    """Instead of workloads, these ingress gateways."""
    rule: str = ""
    """The name of the rule for these ingress gateways."""
    apart: tuple[str, ...] = field(default=(), compare=False)
    """Where they are of every namespace: those that have a list of their own."""

    @property
    def entrances(self) -> tuple[str, ...]:
        """Where their calls enter the mesh, in Istio's words."""
        return self.gateways or (MESH,)


def callers_of(rules: Sequence[Rule]) -> Iterator[tuple[Callers, list[int]]]:
    """Each group of callers, and the indices of the rules that speak for it.

    Istio prefers a namespace's own list to everybody's. Of `Callers`, `rule` is left to whoever can read the name.
    """
    of_mesh = [(index, rule) for index, rule in enumerate(rules) if MESH in rule.clients.gateways]
    everybody = [index for index, rule in of_mesh if not rule.clients.namespaces]
    namespaces = sorted({namespace for _, rule in of_mesh for namespace in rule.clients.namespaces})
    if everybody:
        yield Callers(apart=tuple(namespaces)), everybody
    for namespace in namespaces:
        speaking = [i for i, rule in of_mesh if not rule.clients.namespaces or namespace in rule.clients.namespaces]
        yield Callers(namespace), speaking
    for index, rule in enumerate(rules):
        if ingress := tuple(sorted({*rule.clients.gateways} - {MESH})):
            yield Callers(gateways=ingress), [index]
