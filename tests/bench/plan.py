"""Planning: 20 clusters × 1,000 services, each on 3 clusters and called from 6 others with a share for each of the 3.

From the spec as plain data, validation included, to a list of independent dicts, in a fresh process, against
`json.dumps` of exactly that list.
"""

import gc
import json
import resource
import subprocess
import sys
import time
from typing import Any, Literal, cast

from tests.bench.table import Figure

CLUSTERS = 20
SERVICES = 1_000
SERVING = 3
CLIENTS = 6


Shape = Literal["shares", "versions", "entries", "failover"]
MATCH = [{"headers": {"x-canary": {"exact": "true"}}}]
RETRIES = {"attempts": 3, "retryOn": "connect-failure,refused-stream,unavailable", "perTryTimeout": "1s"}
POLICY = {"connectionPool": {"http": {"http1MaxPendingRequests": 64}}, "loadBalancer": {"simple": "LEAST_REQUEST"}}


def spec(clusters: int = CLUSTERS, services: int = SERVICES, *, shape: Shape = "shares") -> dict[str, Any]:
    """The clients run each service, too, or its name would not exist there; no route leads to what they run.

    With `versions`, every share names one, which adds a DestinationRule for each on both sides. With `entries`, each
    rule has two, with a match and retries. With `failover`, the first serving cluster gets the calls of both entries,
    with the two others as substitutes, and each service has a policy, too.
    """
    names = [f"cluster{number}" for number in range(clusters)]
    entries: list[dict[str, Any]] = []
    traffic: list[dict[str, Any]] = []
    for number in range(services):
        around = [names[(number + step) % clusters] for step in range(SERVING + CLIENTS)]
        serving, clients = around[:SERVING], around[SERVING:]
        name, account = f"service{number}", f"account{number}"
        presence = {
            **{cluster: {"versions": ["v1"], "serviceAccounts": [account]} for cluster in serving},
            **{cluster: {"versions": ["v0"], "serviceAccounts": [account]} for cluster in clients},
        }
        ports = [{"name": "http", "number": 8080, "protocol": "HTTP"}]
        entries.append({"name": name, "namespace": f"team{number % 50}", "ports": ports, "clusters": presence})
        version = {} if shape == "shares" else {"version": "v1"}
        route: list[dict[str, Any]] = [
            {"cluster": cluster, **version, "weight": weight}
            for cluster, weight in zip(serving, (60, 30, 10), strict=True)
        ]
        http: list[dict[str, Any]] = [{"route": route}]
        if shape in {"entries", "failover"}:
            http = [{"match": MATCH, "retries": RETRIES, "route": route}, {"retries": RETRIES, "route": route}]
        if shape == "failover":
            entries[-1]["trafficPolicy"] = POLICY
            first, *others = route
            substitutes = [{"cluster": share["cluster"], **version} for share in others]
            http = [{**entry, "route": [{**first, "failover": substitutes}]} for entry in http]
        traffic.append({"service": f"{name}.team{number % 50}", "clients": {"clusters": clients}, "http": http})
    return {
        "clusters": {
            name: {"context": name, "trustDomain": name, "gateway": {"addresses": [f"192.0.2.{number + 1}"]}}
            for number, name in enumerate(names)
        },
        "services": entries,
        "traffic": traffic,
    }


def measure(shape: Shape) -> list[Figure]:
    """In a fresh interpreter each: what is measured is what one command costs."""
    start = time.perf_counter()
    arguments = [sys.executable, "-m", __name__, shape]
    process = subprocess.run(arguments, check=True, capture_output=True, text=True)
    whole = time.perf_counter() - start
    measurements = json.loads(process.stdout)
    return [
        Figure("objects", measurements["objects"], ""),
        Figure("read, check and resolve", measurements["read"], "s"),
        Figure("allocate", measurements["allocate"], "s"),
        Figure("plan, as a list of dicts", measurements["plan"], "s"),
        Figure("together", measurements["seconds"], "s", aim=2),
        Figure("json.dumps of that list", measurements["json"], "s"),
        Figure("together, in json.dumps", measurements["seconds"] / measurements["json"], "×", aim=3),
        Figure("peak memory", measurements["megabytes"], "MB", aim=500),
        Figure("the whole process, with imports, checks and json.dumps", whole, "s"),
    ]


def _main() -> None:
    from mesh_federation.mesh.addresses import Ledger, allocate
    from mesh_federation.mesh.plan.plan import plan
    from mesh_federation.mesh.read import read_stack
    from mesh_federation.mesh.resolve import resolve

    data = spec(shape=cast("Shape", sys.argv[1]))
    start = time.perf_counter()
    routes = resolve(read_stack(data).federation)
    read = time.perf_counter()
    ledger = allocate(routes.federated_hosts, routes.federation.addresses.pool, Ledger())
    allocated = time.perf_counter()
    addresses = {host: [address] for host, address in ledger.addresses.items()}
    objects = [manifest.object for manifest in plan(routes, addresses, "mesh")]
    end = time.perf_counter()
    kilobytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    _assert_independent(objects)
    gc.collect()
    before = time.perf_counter()
    json.dumps(objects)
    dumped = time.perf_counter() - before
    result = {
        "objects": len(objects),
        "read": read - start,
        "allocate": allocated - read,
        "plan": end - allocated,
        "seconds": end - start,
        "json": dumped,
        "megabytes": kilobytes / 1024,
    }
    print(json.dumps(result))


def _assert_independent(objects: list[Any]) -> None:
    """No two objects share a part, so that whoever edits one edits no other."""
    seen: set[int] = set()
    pending = list(objects)
    while pending:
        part = pending.pop()
        assert id(part) not in seen, f"{part} is part of two objects"
        seen.add(id(part))
        values = part.values() if isinstance(part, dict) else part
        pending += [value for value in values if isinstance(value, dict | list)]


if __name__ == "__main__":
    _main()
