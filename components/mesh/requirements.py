"""What must be true of each cluster and cannot be made true by an object of ours: sentences that a person can check.

The README's "Before you start" says the same sentences of any cluster, and a test holds the two equal.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, NamedTuple

from .istio.releases import RELEASES
from .spec.cluster import Cluster, Gateway

NAMED = 5
"""How many services a sentence names at most; of more it says how many there are.

Names have some 25 characters, so five fill two lines of a terminal. A cluster may have a thousand.
"""

Role = Literal["called", "dialled", "own", "selected", "served"]
Kind = Literal["absent", "headless"]


class Requirement(NamedTuple):
    """A sentence about a cluster; it holds wherever the cluster has one of `roles` for some service."""

    name: str
    roles: tuple[Role, ...]
    text: str
    """With `{services}`, those of `roles`, and other keys of `ANY_CLUSTER` in the place of what clusters differ in."""
    without: Kind | None = None
    """The services for which it need not hold."""
    of_a_gateway: bool = False
    """Whether it speaks of one gateway, so that it is said of each."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What a federation wants of one cluster. Services are `<service>.<namespace>` as the cluster itself has them."""

    cluster: Cluster
    called: Sequence[str] = ()
    """Services whose calls a rule spreads here."""
    dialled: Sequence[str] = ()
    """Services on other clusters whose federated hosts workloads here may dial."""
    selected: Sequence[str] = ()
    """Services that run here and whose own callers may be answered by other clusters, or by these pods."""
    served: Sequence[str] = ()
    """Services that answer calls of other clusters here."""
    served_by: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """Gateway → those of `served` to which it leads; all if it is not in here."""
    own: Sequence[str] = ()
    """Services that are a version of those of `called` and `served` here."""
    absent: Sequence[str] = ()
    """Those of `called` that do not run here."""
    headless: Sequence[str] = ()
    """Those that the spec calls headless."""
    trust_domains: Sequence[str] = ()
    """Those of the callers from other clusters, without the cluster's own."""


ANYWHERE: tuple[Role, ...] = ("called", "dialled", "served")

EVERY_CLUSTER = (
    Requirement("release", ANYWHERE, "Istio runs on the cluster itself, in release {releases}."),
    Requirement(
        "common-root",
        ANYWHERE,
        "Istio's certificate authority shares its root certificate with every other cluster of the federation.",
    ),
    Requirement(
        "sidecars",
        ANYWHERE,
        "The pods of {services} and the pods that call them have sidecars. None of these pods is in ambient mode.",
    ),
    Requirement(
        "services-exist",
        ("called", "served"),
        "Kubernetes has a Service for {services}, with the ports of the spec. "
        "The pods have the labels of their versions, and run as the service accounts of the spec.",
        without="absent",
    ),
    Requirement(
        "version-services",
        ("own",),
        "Where `versionServices` names {services}, Kubernetes has them, with the ports of the spec.",
    ),
    Requirement(
        "discovery-selectors",
        ANYWHERE,
        "The `discoverySelectors` of the mesh, where there are any, select {namespaces}. "
        "Istio makes no exception for the root namespace.",
    ),
    Requirement(
        "no-remote-secret",
        ANYWHERE,
        "No remote secret gives this mesh the pods of {services} on another cluster. "
        "These pods would take part of the calls that stay here.",
    ),
    Requirement(
        "mutual-tls",
        ANYWHERE,
        "No DestinationRule and no PeerAuthentication sets the mode `DISABLE` for {services}.",
    ),
    Requirement(
        "no-other-rule",
        ANYWHERE,
        "Nobody else keeps a VirtualService or a DestinationRule for a host of {services}. "
        "An older VirtualService makes ours void. DestinationRules with another `exportTo` are not merged.",
    ),
)

CLIENT_CLUSTERS = (
    Requirement(
        "cluster-ip",
        ("called",),
        "Nothing sets `clusterIP: None` for {services}, unless the spec says `headless: true`. "
        "A call to a headless Service goes to the pod that DNS named, whatever the weights are.",
        without="headless",
    ),
    Requirement(
        "no-wildcard-rule",
        ("called", "dialled"),
        "No DestinationRule in the namespace of a caller covers a host of {services} by a wildcard. "
        "Istio prefers such a rule to ours.",
    ),
    Requirement(
        "dns-proxy",
        ("dialled",),
        "The pods that dial a federated host of {services} use Istio's DNS proxy (`ISTIO_META_DNS_CAPTURE`). "
        "Calls to a service's own name do not need it.",
    ),
    Requirement(
        "selector",
        ("selected",),
        "The Service in Kubernetes has the `selector` of the spec, for {services}. "
        "The pods listen on the numbers of its ports, or on those of `targetPorts`.",
    ),
)

SERVING_CLUSTERS = (
    Requirement(
        "gateway-runs",
        ("served",),
        "The pods of the east-west gateway run in {gateway}, with {selector}.",
        of_a_gateway=True,
    ),
    Requirement(
        "gateway-is-reachable",
        ("served",),
        "The pods of the client clusters can open TCP connections to the gateway addresses, on {port}.",
        of_a_gateway=True,
    ),
    Requirement(
        "tcp-load-balancer",
        ("served",),
        "A load balancer in front of the gateway forwards TCP. "
        "An HTTP load balancer ends the TLS connection, so the gateway cannot see for whom the call is.",
    ),
    Requirement(
        "visible-to-the-gateway",
        ("served",),
        "Nothing hides {services} from {gateway}: "
        "neither the annotation `networking.istio.io/exportTo` nor the mesh's `defaultServiceExportTo`.",
        of_a_gateway=True,
    ),
    Requirement(
        "no-local-traffic-policy",
        ("served",),
        "Nothing sets `internalTrafficPolicy: Local` for {services}. "
        "The gateway would know only the pods on its own node.",
    ),
    Requirement(
        "accepted-trust-domains",
        ("served",),
        "The mesh accepts {trust_domains}, by the `caCertificates` that the output `trust` shows.",
    ),
    Requirement(
        "no-other-passthrough",
        ("served",),
        "No other server on {listener_port} of the gateway is in mode AUTO_PASSTHROUGH with a wildcard over our hosts. "
        "Istio's multi-network guide installs such a server, for `*.local`. "
        "Envoy refuses the whole listener if it finds one beside our exact hosts.",
        of_a_gateway=True,
    ),
    Requirement(
        "own-passthrough",
        ("served",),
        "Where `gateway.manage` is false, a server of your own admits {services}, in mode AUTO_PASSTHROUGH.",
        of_a_gateway=True,
    ),
    Requirement(
        "no-wildcard-rule-at-the-gateway",
        ("served",),
        "No DestinationRule in {gateway} covers {services} by a wildcard, except in the root namespace. "
        "The gateway prefers such a rule to ours, and then knows no version.",
        of_a_gateway=True,
    ),
)

REQUIREMENTS = (*EVERY_CLUSTER, *CLIENT_CLUSTERS, *SERVING_CLUSTERS)

ANY_RELEASE = f"{RELEASES[0]} to {RELEASES[-1]}"

ANY_CLUSTER = {
    "releases": ANY_RELEASE,
    "services": "the services",
    "namespaces": "the root namespace, the gateway's namespace and the namespaces of the services",
    "gateway": "the gateway's namespace",
    "selector": "the labels of `gateway.selector`",
    "port": "`gateway.port`",
    "listener_port": "`gateway.listenerPort`",
    "trust_domains": "the trust domains of its callers",
}
"""What stands in the sentences where no cluster is meant."""


def requirements(facts: Facts) -> dict[str, str]:
    """Name of a requirement → its sentences about this cluster, for all that hold here, in the documentation's order.

    A cluster that neither calls nor answers has none.
    """
    sentences = ((requirement.name, _sentences(facts, requirement)) for requirement in REQUIREMENTS)
    return {name: text for name, text in sentences if text}


def _sentences(facts: Facts, requirement: Requirement) -> str:
    """`""` where it need not hold. Of several gateways, each is named before the sentences about it."""
    if not requirement.of_a_gateway:
        return _text(facts, requirement)
    gateways = facts.cluster.gateway_of
    texts = {
        name: _text(replace(facts, served=facts.served_by.get(name, facts.served)), requirement, gateway)
        for name, gateway in gateways.items()
    }
    if len({*texts.values()}) <= 1:
        return "".join({*texts.values()})
    return " ".join(f"Of the gateway {name}: {text}" for name, text in texts.items() if text)


def _text(facts: Facts, requirement: Requirement, gateway: Gateway | None = None) -> str:
    services = _services(facts, requirement)
    if not services or _is_settled(requirement.name, facts, gateway):
        return ""
    return requirement.text.format_map({**ANY_CLUSTER, **_words(facts, services, gateway)})


def _is_settled(name: str, facts: Facts, gateway: Gateway | None) -> bool:
    """Whether the spec itself shows that there is nothing to check."""
    match name:
        case "accepted-trust-domains":
            return not facts.trust_domains
        case "own-passthrough":
            return gateway is None or gateway.manage
        case "no-other-passthrough":
            return gateway is None or not gateway.manage
        case "no-wildcard-rule-at-the-gateway":
            return gateway is None or facts.cluster.namespace_of(gateway) == facts.cluster.istio.namespace
    return False


def _services(facts: Facts, requirement: Requirement) -> list[str]:
    of_role = {
        "called": facts.called,
        "dialled": facts.dialled,
        "own": facts.own,
        "selected": facts.selected,
        "served": facts.served,
    }
    spared = {"absent": facts.absent, "headless": facts.headless, None: ()}[requirement.without]
    return sorted({service for role in requirement.roles for service in of_role[role]} - {*spared})


def _words(facts: Facts, services: Sequence[str], gateway: Gateway | None) -> dict[str, str]:
    """What this cluster has in the place of the words in `ANY_CLUSTER`."""
    cluster = facts.cluster
    of_services = {service.partition(".")[2] for service in (*facts.called, *facts.served)}
    of_gateways = {cluster.namespace_of(one) for one in cluster.gateway_of.values()}
    words = {
        "namespaces": _counted("namespace", {cluster.istio.namespace, *of_services, *of_gateways}),
        "releases": cluster.istio.version or ANY_RELEASE,
        "services": _counted("service", services),
    }
    if facts.trust_domains:
        words["trust_domains"] = _counted("trust domain", facts.trust_domains)
    if gateway is not None:
        labels = ", ".join(f"`{key}: {value}`" for key, value in sorted(gateway.selector.items()))
        words |= {
            "gateway": _counted("namespace", [cluster.namespace_of(gateway)]),
            "selector": f"the labels {labels}",
            "port": f"port {gateway.port}",
            "listener_port": f"port {gateway.listener_port}",
        }
    return words


def _counted(noun: str, names: Collection[str]) -> str:
    """`the service a.b`, `the services a.b and c.d`; of many the first, and the number of the others."""
    *first, last = sorted(names)
    if not first:
        return f"the {noun} {last}"
    if len(names) > NAMED:
        return f"the {noun}s {', '.join(first[:NAMED])} and {len(names) - NAMED} more"
    return f"the {noun}s {', '.join(first)} and {last}"
