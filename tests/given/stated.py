"""The article's example as a user states it, changed here and there, and what is wrong with it then."""

import copy
from typing import Any

import pytest
from mesh_federation.mesh.errors import SpecError
from mesh_federation.mesh.parse import parse

from tests.given.strategies import Spec


def article() -> Spec:
    """The article's example."""
    return {
        "clusters": {
            "cluster1": {"context": "cluster1", "gateway": {"addresses": ["172.18.0.229"]}},
            "cluster2": {"context": "cluster2", "gateway": {"addresses": ["172.18.0.230"]}},
        },
        "services": [
            {
                "name": "reviews",
                "namespace": "default",
                "ports": [{"name": "http", "number": 9080, "protocol": "HTTP"}],
                "clusters": {
                    "cluster1": {"versions": ["v1", "v2"], "serviceAccounts": ["bookinfo-reviews"]},
                    "cluster2": {"versions": ["v3"], "serviceAccounts": ["bookinfo-reviews"]},
                },
            }
        ],
        "traffic": [
            {
                "service": "reviews.default",
                "clients": {"clusters": ["cluster1"]},
                "http": [
                    {
                        "route": [
                            {"cluster": "cluster2", "version": "v3", "weight": 75},
                            {"cluster": "cluster1", "version": "v1", "weight": 25},
                        ]
                    }
                ],
            }
        ],
    }


def with_value(path: str, value: Any, spec: Spec | None = None) -> Spec:
    """The article's example with `value` at a path such as `traffic.0.http`."""
    edited = copy.deepcopy(spec or article())
    *steps, last = path.split(".")
    part: Any = edited
    for step in steps:
        part = part[int(step)] if isinstance(part, list) else part[step]
    if isinstance(part, list):
        part[int(last)] = value
    else:
        part[last] = value
    return edited


def problems(spec: Any) -> list[str]:
    with pytest.raises(SpecError) as caught:
        parse(spec)
    assert str(caught.value) == "\n".join(map(str, caught.value.problems))
    return [str(problem) for problem in caught.value.problems]


GATEWAY = "clusters.cluster2.gateway"
ROUTE = "traffic.0.http.0.route"
