"""What istiod's webhook refuses beyond the schema: rules in code, since Istio has them in code alone.

They are those of Istio 1.32, whose validation they were read in and are tested against; warnings are left out.
A rule never repeats what the schema refuses, and it looks at no late value.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from ...errors import Path, Problem
from ..parts import text
from ..values import FINE
from . import destination_rule, gateway, service_entry
from .authorization_policy import AUTHORIZATION_POLICY
from .destination_rule import DESTINATION_RULE
from .endpoint import WORKLOAD_ENTRY
from .exports import not_exported
from .gateway import GATEWAY
from .service_entry import SERVICE_ENTRY
from .sidecar import SIDECAR
from .tree import Rules, check_of
from .virtual_service import VIRTUAL_SERVICE

Metadata = Mapping[str, Any]


def _exported_virtual_service(spec: Mapping[str, Any], metadata: Metadata) -> Iterator[Problem]:
    yield from not_exported(spec, text(metadata, "namespace"))


_OF_SPECS: Mapping[str, Rules] = {
    "AuthorizationPolicy": AUTHORIZATION_POLICY,
    "DestinationRule": DESTINATION_RULE,
    "Gateway": GATEWAY,
    "PeerAuthentication": Rules(),  # its schema says all
    "ServiceEntry": SERVICE_ENTRY,
    "Sidecar": SIDECAR,
    "VirtualService": VIRTUAL_SERVICE,
    "WorkloadEntry": WORKLOAD_ENTRY,
}
_OF_OBJECTS: Mapping[str, Callable[[Mapping[str, Any], Metadata], Iterator[Problem]]] = {
    "DestinationRule": destination_rule.in_its_namespace,
    "Gateway": gateway.of_its_name,
    "ServiceEntry": service_entry.in_its_namespace,
    "VirtualService": _exported_virtual_service,
}


def problems(value: Any, kind: str, place: Path = (), path: Path = ()) -> Sequence[Problem]:
    """All that is wrong with `value` as the part at `place` of the spec of a `kind`.

    `place` and `path` are as those of `schema.problems`. Rules for places above are not asked, so a whole spec may
    have problems that its parts do not have. Raises `KeyError` for a kind that we do not know.
    """
    rules = _OF_SPECS[kind].at(place)
    wrong = check_of(rules)(value) if rules else FINE
    return [problem._replace(path=(*path, *problem.path)) for problem in wrong] if wrong else FINE


def problems_of_an_object(kind: str, spec: Mapping[str, Any], metadata: Metadata, path: Path = ()) -> Sequence[Problem]:
    """All that is wrong with a whole object, what depends on its name, namespace and labels included."""
    wrong = [*problems(spec, kind, (), path)]
    if of_object := _OF_OBJECTS.get(kind):
        wrong += [problem._replace(path=(*path, *problem.path)) for problem in of_object(spec, metadata)]
    return wrong
