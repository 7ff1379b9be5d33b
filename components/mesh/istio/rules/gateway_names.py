"""`gateways` of a VirtualService and of its matches."""

from collections.abc import Iterator, Mapping
from typing import Any

from ...errors import Problem
from ..parts import texts
from ..values import quoted
from .hosts import is_host, is_label


def gateway_names(part: Mapping[str, Any]) -> Iterator[Problem]:
    """Names of gateways that are neither `mesh` nor `<namespace>/<name>`."""
    for index, name in texts(part, "gateways"):
        namespace, slash, gateway = name.partition("/")
        if slash and not (is_label(namespace) and is_label(gateway)):
            message = f"{quoted(name)} is not the name of a gateway; write <namespace>/<name>, or mesh"
            yield Problem(("gateways", index), "not-a-gateway", message)
        if not slash:
            if not is_host(name):
                message = f"{quoted(name)} is not the name of a gateway; write <namespace>/<name>, or mesh"
                yield Problem(("gateways", index), "not-a-gateway", message)
            return  # istiod looks at none that stands behind a name without a namespace
