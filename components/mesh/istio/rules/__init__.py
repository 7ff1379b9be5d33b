"""What istiod's webhook refuses beyond the schema: rules in code, since Istio has them in code alone.

They are those of Istio 1.32, whose validation they were read in and are tested against; warnings are left out.
A rule never repeats what the schema refuses, and it looks at no late value.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from ...errors import Path, Problem
from ..values import FINE
from . import destination_rule, gateway, service_entry, virtual_service
from .authorization_policy import AUTHORIZATION_POLICY
from .destination_rule import DESTINATION_RULE
from .endpoint import WORKLOAD_ENTRY
from .gateway import GATEWAY
from .peer_authentication import PEER_AUTHENTICATION
from .service_entry import SERVICE_ENTRY
from .sidecar import SIDECAR
from .tree import Rules, check_of
from .virtual_service import VIRTUAL_SERVICE

Metadata = Mapping[str, Any]


_OF_SPECS: Mapping[str, Rules] = {
    "AuthorizationPolicy": AUTHORIZATION_POLICY,
    "DestinationRule": DESTINATION_RULE,
    "Gateway": GATEWAY,
    "PeerAuthentication": PEER_AUTHENTICATION,
    "ServiceEntry": SERVICE_ENTRY,
    "Sidecar": SIDECAR,
    "VirtualService": VIRTUAL_SERVICE,
    "WorkloadEntry": WORKLOAD_ENTRY,
}
_OF_OBJECTS: Mapping[str, Callable[[Mapping[str, Any], Metadata], Iterator[Problem]]] = {
    "DestinationRule": destination_rule.in_its_namespace,
    "Gateway": gateway.of_its_name,
    "ServiceEntry": service_entry.in_its_namespace,
    "VirtualService": virtual_service.in_its_namespace,
}


def problems(value: Any, kind: str, place: Path = (), path: Path = ()) -> Sequence[Problem]:
    """All that is wrong with `value` as the part at `place` of the spec of a `kind`.

    `place` and `path` are as those of `schema.problems`. Rules for places above are not asked, so a whole spec may
    have problems that its parts do not have. Raises `KeyError` for a kind that we do not know.
    """
    rules = _OF_SPECS[kind].at(place)
    wrong = check_of(rules)(value) if rules else FINE
    return [problem._replace(path=(*path, *problem.path)) for problem in wrong] if wrong else FINE


def problems_of_an_object(manifest: Mapping[str, Any]) -> Sequence[Problem]:
    """All that is wrong with a whole object, what depends on its name, namespace and labels included.

    The paths of the problems begin at the object: `spec.exportTo[0]`, `metadata.name`.
    """
    wrong = [*problems(manifest["spec"], manifest["kind"], (), ("spec",))]
    of_object = _OF_OBJECTS.get(manifest["kind"])
    if of_object and isinstance(manifest["spec"], dict):
        wrong += of_object(manifest["spec"], manifest["metadata"])
    return wrong
