"""Every name we derive: hosts, server names, identities and objects.

Different inputs never give the same name: the parts are DNS labels, which hold no dot, and are joined by dots or,
where Kubernetes allows none, told apart by a digest.
"""

import re
from collections.abc import Sequence
from hashlib import blake2b

LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
"""A DNS label in lower case: Envoy refuses a listener whose server names differ only by case (`v3`, `V3`)."""

HOST = re.compile(rf"{LABEL.pattern}(\.{LABEL.pattern})+")

MAX_HOST = 253
MAX_SNI = 255
"""Bytes; Envoy refuses a whole cluster whose server name is longer."""

LABEL_VALUE = re.compile(r"[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?")
"""The value of a Kubernetes label that is not empty, and the name part of a label's key."""

NOT_A_LABEL_VALUE = "is not the value of a Kubernetes label; at most 63 of A-Z, a-z, 0-9, -, _ and ."

DEFAULT_GATEWAY = "default"
"""The name of a cluster's `gateway`."""

DEFAULT_ROOT_NAMESPACE = "istio-system"
"""Istio's root namespace on a cluster that states no other."""

FARTHER_REGIONS = ("substitute-1", "substitute-2")
"""Regions that no cluster has. Istio tells no more than two apart, beside the caller's own."""

PLACEHOLDERS = ("{service}", "{namespace}", "{cluster}")


def local_host(service: str, namespace: str, domain: str) -> str:
    """The name of a service where it runs."""
    return f"{service}.{namespace}.svc.{domain}"


def federated_host(template: str, *, service: str, namespace: str, cluster: str) -> str:
    """The name that means one service on one serving cluster, on every client cluster."""
    return template.format(service=service, namespace=namespace, cluster=cluster)


def virtual_service_name(service: str, *, namespace: str = "", ingress: bool = False, rule: str = "") -> str:
    """The name of the VirtualService for some callers of `service`.

    `reviews` is everybody's, `shop.reviews` that of the namespace `shop`, `public.ingress.reviews` that of the ingress
    gateways of the rule `public`.
    """
    if ingress:
        return f"{rule}.ingress.{service}" if rule else f"ingress.{service}"
    return f"{namespace}.{service}" if namespace else service


def subset_name(version: str, owner: str) -> str:
    """The name of the DestinationRule for one version of `owner`, a host or a service."""
    return f"{version}.{owner}" if version else owner


def server_name(port: int, version: str, host: str) -> str:
    """The SNI that leads through an AUTO_PASSTHROUGH gateway to `version` of `host`; `""` means any version.

    Source: Istio's `BuildDNSSrvSubsetKey`; a gateway has one filter chain for each port and subset.
    """
    return f"outbound_.{port}_.{version}_.{host}"


def identity(trust_domain: str, namespace: str, account: str) -> str:
    """The SPIFFE identity of a service account."""
    return f"spiffe://{trust_domain}/ns/{namespace}/sa/{account}"


def failover_label(members: Sequence[tuple[str, str]]) -> str:
    """A DNS label for versions on clusters that stand in for each other, in this order.

    It names the clusters as far as there is room.
    """
    # no name holds a space
    digest = _digest(" ".join(f"{cluster}/{version}" for cluster, version in members))
    return f"{'-'.join(cluster for cluster, _ in members)[:_ROOM]}-{digest}"


def gateway_name(service: str, namespace: str, gateway: str = DEFAULT_GATEWAY) -> str:
    """A Gateway's name for one exported service: a DNS label, as Istio wants it, of at most 63 characters.

    It holds the name of the `gateway`, unless that is the default.
    """
    # equal parts of the room, with a `-` between them: 16 + 1 + 17 + 1 + 17, and 26 + 1 + 25
    if gateway != DEFAULT_GATEWAY:
        return f"{gateway[:16]}-{service[:17]}-{namespace[:17]}-{_digest(f'{service}.{namespace}.{gateway}')}"
    return f"{service[:26]}-{namespace[:25]}-{_digest(f'{service}.{namespace}')}"


def _digest(text: str) -> str:
    return blake2b(text.encode(), digest_size=_DIGEST_BYTES).hexdigest()


# a name that was given never changes, so neither do these
_DIGEST_BYTES = 5
"""40 bits: two of 10,000 services with the same first letters meet once in 20,000 federations."""
_ROOM = 52
"""What a DNS label of 63 characters leaves beside the ten of a digest and the `-` before them."""
