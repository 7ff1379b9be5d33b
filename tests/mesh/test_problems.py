"""What a user is told of a spec that is wrong: where, what, and what would be right; all at once."""

import copy
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mesh_federation.mesh.errors import SpecError
from mesh_federation.mesh.parse import parse

from tests.given.stated import GATEWAY, ROUTE, article, problems, with_value
from tests.given.strategies import Spec, specs

# -- path, subject, what is wrong, what would be right -----------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "value", "problem"),
    [
        (
            f"{ROUTE}.1.version",
            "v4",
            "traffic[0].http[0].route[1].version: reviews on cluster1 has no version 'v4'; it has v1, v2",
        ),
        (
            f"{ROUTE}.1.cluster",
            "cluster3",
            "traffic[0].http[0].route[1].cluster: no cluster 'cluster3'; the federation has cluster1, cluster2",
        ),
        (
            "traffic.0.service",
            "ratings.default",
            "traffic[0].service: no service 'ratings.default'; the federation has reviews.default",
        ),
        ("traffic.0.service", "reviews", "traffic[0].service: should be `<service>.<namespace>`"),
        ("traffic.0.service", "a.b.c", "traffic[0].service: should be `<service>.<namespace>`"),
        (
            f"{ROUTE}.0.wieght",
            1,
            (
                "traffic[0].http[0].route[0].wieght: unknown key; did you mean 'weight'? "
                "it takes cluster, port, service, version, weight"
            ),
        ),
        (
            "traffic.0.http.0.zzz",
            1,
            "traffic[0].http[0].zzz: unknown key; it takes route",
        ),
        ("traffic.0.http.0.match", [], "traffic[0].http[0].match: is not supported yet"),
        ("traffic.0.http.0.cors_policy", {}, "traffic[0].http[0].cors_policy: is not supported yet"),
        ("services.0.trafficPolicy", {}, "services[0].trafficPolicy: is not supported yet"),
        ("clusters.cluster1.state", "draining", "clusters.cluster1.state: draining is not supported yet"),
        ("clusters.cluster1.state", "idle", "clusters.cluster1.state: should be 'active'"),
        (
            "clusters.cluster1.istio",
            {"version": 1.3},
            "clusters.cluster1.istio.version: should be '1.27', '1.28', '1.29', '1.30' or '1.31'",
        ),
        (f"{GATEWAY}.addresses", [], "clusters.cluster2.gateway.addresses: should have at least one entry"),
        (f"{GATEWAY}.addresses.0", "172.18.0.256", "clusters.cluster2.gateway.addresses[0]: is neither an IP address"),
        (f"{GATEWAY}.addresses.0", "Gateway.example.com", "clusters.cluster2.gateway.addresses[0]: is neither an IP"),
        (f"{GATEWAY}.addresses.0", "https://x.example", "clusters.cluster2.gateway.addresses[0]: is neither an IP"),
        (f"{GATEWAY}.addresses.0", None, "clusters.cluster2.gateway.addresses[0]: should be an IP address or a DNS"),
        (f"{GATEWAY}.addresses.0", 1234, "clusters.cluster2.gateway.addresses[0]: should be an IP address or a DNS"),
        (f"{GATEWAY}.port", 0, "clusters.cluster2.gateway.port: should be greater than or equal to 1"),
        (f"{GATEWAY}.port", 65536, "clusters.cluster2.gateway.port: should be less than or equal to 65535"),
        (f"{GATEWAY}.port", "https", "clusters.cluster2.gateway.port: should be a valid integer"),
        (f"{GATEWAY}.port", 15443.5, "clusters.cluster2.gateway.port: should be a valid integer"),
        (f"{GATEWAY}.selector", {}, "clusters.cluster2.gateway.selector: should have at least one entry"),
        ("services.0.name", "Reviews", "services[0].name: is no DNS label"),
        ("services.0.name", "a" * 64, "services[0].name: is no DNS label"),
        ("services.0.ports.0.protocol", "UDP", "services[0].ports[0].protocol: should be 'HTTP', 'HTTP2', 'GRPC'"),
        (
            "services.0.clusters.cluster1.versions.0",
            "V1",
            "services[0].clusters.cluster1.versions[0]: is no DNS label",
        ),
        (
            "services.0.clusters.cluster1.serviceAccounts",
            [],
            "services[0].clusters.cluster1.serviceAccounts: should have at least one entry",
        ),
        (
            "services.0.clusters.cluster1.subsets",
            {"x": {}},
            "services[0].clusters.cluster1.subsets.x: should have at least one entry",
        ),
        ("services.0.importedBy", ["cluster3"], "services[0].importedBy[0]: no cluster 'cluster3'; the federation has"),
        (f"{ROUTE}.0.weight", -1, "traffic[0].http[0].route[0].weight: should be greater than or equal to 0"),
        (f"{ROUTE}.0.weight", 0.5, "traffic[0].http[0].route[0].weight: should be a valid integer"),
        (
            f"{ROUTE}.0.port",
            80,
            "traffic[0].http[0].route[0].port: reviews.default has no port 80; it has 9080",
        ),
        ("traffic.0.port", 80, "traffic[0].port: reviews.default has no HTTP, HTTP2 or GRPC port 80; it has 9080"),
        ("settleSeconds", -1, "settleSeconds: should be greater than or equal to 0"),
        ("settleSeconds", 3601, "settleSeconds: should be less than or equal to 3600"),
        ("hosts", "{service}.{cluster}.global", "hosts: should hold {service}, {namespace} and {cluster} once each"),
        ("hosts", "{service}{namespace}.{cluster}.x", "hosts: needs a dot between its placeholders"),
        ("hosts", "{service}.{namespace}.{cluster}.local", "hosts: must not end in .local"),
        ("hosts", "{service}.{namespace}.{cluster}.Global", "hosts: gives no DNS names in lower case"),
        ("addresses", {"pool": "240.0.0.1/12"}, "addresses.pool: is no network: 240.0.0.1/12 has host bits set"),
        (
            "addresses",
            {"pins": {"x.global": "240.0.0.1"}},
            (
                "addresses.pins.x.global: no such federated host; there are reviews.default.svc.cluster1.global, "
                "reviews.default.svc.cluster2.global"
            ),
        ),
        ("trafic", [], "trafic: unknown key; did you mean 'traffic'? it takes addresses, clusters, hosts, services,"),
    ],
)
def test_says_where_and_what_and_what_would_be_right(path: str, value: Any, problem: str) -> None:
    [found] = problems(with_value(path, value))
    assert found.startswith(problem)


@pytest.mark.parametrize(
    "access", [{}, {"context": "a", "renderTo": "b"}, {"kubeconfig": "(encrypted)", "context": "a"}]
)
def test_each_cluster_has_exactly_one_way_to_it(access: Spec) -> None:
    [found] = problems({"clusters": {"east": access}})
    assert found.startswith("clusters.east: needs exactly one of context, kubeconfig, renderTo, provider; it has ")
    assert all(key in found for key in access)


def test_a_cluster_without_a_gateway_cannot_be_called() -> None:
    spec = article()
    del spec["clusters"]["cluster2"]["gateway"]
    [found] = problems(spec)
    assert found == (
        "traffic[0].http[0].route[0].cluster: "
        "cluster2 has no gateway, so no other cluster can call reviews.default there"
    )


def test_a_client_cluster_runs_the_service() -> None:
    spec = article()
    del spec["services"][0]["clusters"]["cluster1"]
    spec["traffic"][0]["http"][0]["route"] = [{"cluster": "cluster2", "version": "v3"}]
    [found] = problems(spec)
    assert found.startswith("traffic[0].clients.clusters[0]: reviews.default does not run on cluster1")
    assert "it runs on cluster2" in found


@pytest.mark.parametrize("route", [[{"cluster": "cluster1", "weight": 0}], [{"cluster": "cluster2", "weight": 0}]])
def test_a_destination_alone_may_not_have_weight_0(route: list[Spec]) -> None:
    [found] = problems(with_value(ROUTE, route))
    assert found == "traffic[0].http[0].route: the weights add up to 0; at least one must be more"


def test_several_destinations_need_weights() -> None:
    route = [{"cluster": "cluster1", "version": "v1"}, {"cluster": "cluster1", "version": "v2", "weight": 1}]
    assert problems(with_value(ROUTE, route)) == [
        "traffic[0].http[0].route[0].weight: is missing; of several destinations each needs one"
    ]


def test_the_same_destination_is_not_stated_twice_even_in_other_words() -> None:
    route = [
        {"cluster": "cluster1", "version": "v1", "weight": 1},
        {"cluster": "cluster1", "version": "v1", "weight": 1, "service": "reviews.default"},
    ]
    assert problems(with_value(ROUTE, route)) == ["traffic[0].http[0].route[1]: is stated twice; add the weights up"]


def test_a_destination_of_a_service_without_the_callers_port_needs_one() -> None:
    spec = article()
    spec["services"].append(
        {
            "name": "ratings",
            "namespace": "default",
            "ports": [{"name": "http", "number": 80, "protocol": "HTTP"}],
            "clusters": {"cluster1": {"serviceAccounts": ["ratings"]}},
        }
    )
    spec["traffic"][0]["http"][0]["route"] = [{"cluster": "cluster1", "service": "ratings.default"}]
    [found] = problems(spec)
    assert found == (
        "traffic[0].http[0].route[0].port: is missing: callers use port 9080, which ratings.default does not have; "
        "it has 80"
    )


def test_the_longest_server_name_of_a_host_that_is_dialled_directly_counts() -> None:
    """With port 80 the server name has 255 bytes; with 65535, three more."""
    domain = ".".join(["d" * 62] * 3)  # 188
    service = "s" * (255 - len("outbound_.80_._..default.svc.") - len(domain))
    spec = {
        "clusters": {
            "east": {"context": "east"},
            "west": {"context": "west", "domain": domain, "gateway": {"addresses": ["192.0.2.1"]}},
        },
        "services": [
            {
                "name": service,
                "namespace": "default",
                "ports": [{"name": "http", "number": 80, "protocol": "HTTP"}],
                "clusters": {"west": {"serviceAccounts": ["x"]}},
                "importedBy": ["east"],
            }
        ],
    }
    parse(spec)

    spec["services"][0]["ports"].append({"name": "admin", "number": 65535, "protocol": "HTTP"})  # type: ignore[index]

    [found] = problems(spec)
    assert found.startswith("services[0].importedBy[0]: the server name for ")
    assert found.endswith(" has 258 bytes; Envoy takes at most 255")


# -- all at once -------------------------------------------------------------------------------------------------


def test_broken_parts_hide_nothing_else() -> None:
    spec = article()
    spec["clusters"]["cluster1"]["gateway"]["port"] = "x"
    spec["services"][0]["name"] = "Reviews"
    spec["traffic"][0]["http"][0]["route"][0]["weight"] = "heavy"
    spec["settleSeconds"] = "long"
    spec["hosts"] = ""
    spec["addresses"] = {"pool": "everything"}
    spec["unknown"] = 1
    assert [found.split(":")[0] for found in problems(spec)] == [
        "clusters.cluster1.gateway.port",
        "services[0].name",
        "traffic[0].http[0].route[0].weight",
        "settleSeconds",
        "hosts",
        "addresses.pool",
        "unknown",
    ], "in the order in which they were stated"


def test_what_cannot_be_read_does_not_hide_what_leads_nowhere() -> None:
    spec = with_value(f"{ROUTE}.0.weight", "heavy")
    spec["traffic"][0]["http"][0]["route"][1]["version"] = "v4"
    del spec["clusters"]["cluster2"]["context"]
    assert [found.split(":")[0] for found in problems(spec)] == [
        "clusters.cluster2",
        "traffic[0].http[0].route[0].weight",
        "traffic[0].http[0].route[1].version",
    ]


def test_nothing_is_said_of_what_depends_on_a_broken_part() -> None:
    spec = with_value("services.0.ports.0.number", 0)
    assert len(problems(spec)) == 1


def test_a_service_stated_twice_does_not_hide_a_service_that_is_unknown() -> None:
    spec = article()
    spec["services"].append(copy.deepcopy(spec["services"][0]))
    spec["traffic"][0]["service"] = "nobody.default"
    assert problems(spec) == [
        "services[1]: reviews.default is stated twice; put its clusters into one entry",
        "traffic[0].service: no service 'nobody.default'; the federation has reviews.default",
    ]


@pytest.mark.parametrize("value", [None, [], "x", 3, {"clusters": {}}, {"clusters": []}, {"clusters": {"a": None}}])
def test_what_is_no_spec_at_all_is_refused_with_a_path(value: Any) -> None:
    spec = value if isinstance(value, dict) else {"clusters": value}
    assert all(found.startswith("clusters") for found in problems(spec))


@given(specs(), st.data())
def test_a_key_that_is_missing_or_odd_never_crashes(spec: Spec, data: st.DataObject) -> None:
    """Whatever a user writes, there is a federation or a list of problems."""
    places = list(mutable_places(spec))
    part, key = data.draw(st.sampled_from(places))
    odd = data.draw(st.sampled_from([None, -1, "", "x", "X Y", [], {}, [None], {"x": 1}, 1.5, True, "remove"]))
    if odd == "remove":
        del part[key]
    else:
        part[key] = odd
    with suppress(SpecError):
        parse(spec)


def mutable_places(value: Any) -> list[tuple[Any, Any]]:
    keys = list(value) if isinstance(value, dict) else list(range(len(value))) if isinstance(value, list) else []
    return [(value, key) for key in keys] + [place for key in keys for place in mutable_places(value[key])]


def test_problems_come_in_the_same_order_in_every_process() -> None:
    program = (
        "from tests.mesh.test_problems import many_clusters_without_gateways as spec\n"
        "from mesh_federation.mesh.parse import parse\n"
        "try: parse(spec())\nexcept ValueError as error: print(error)"
    )
    told = {
        subprocess.run(
            [sys.executable, "-c", program],
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": str(Path(__file__).parents[2])},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2", "3")
    }
    assert len(told) == 1


def many_clusters_without_gateways() -> Spec:
    names = ("a", "b", "c", "d", "e")
    return {
        "clusters": {name: {"context": name} for name in names},
        "services": [
            {
                "name": "reviews",
                "namespace": "default",
                "ports": [{"name": "http", "number": 9080, "protocol": "HTTP"}],
                "clusters": {name: {"serviceAccounts": ["x"]} for name in names},
                "importedBy": ["a"],
            }
        ],
    }


# -- misspelt keys that are required -----------------------------------------------------------------------------


def renamed(path: str, key: str, other: str) -> Spec:
    edited = article()
    part: Any = edited
    for step in filter(None, path.split(".")):
        part = part[int(step)] if isinstance(part, list) else part[step]
    part[other] = part.pop(key)
    return edited


@pytest.mark.parametrize(
    ("path", "key", "other"),
    [
        (GATEWAY, "addresses", "adresses"),
        ("services.0.ports.0", "number", "numbr"),
        ("services.0.clusters.cluster1", "serviceAccounts", "serviceAcounts"),
        ("traffic.0", "clients", "client"),
        ("traffic.0.http.0", "route", "routes"),
        (f"{ROUTE}.0", "cluster", "clster"),
        ("", "clusters", "cluster"),
    ],
)
def test_a_misspelt_key_that_is_required_gets_its_hint(path: str, key: str, other: str) -> None:
    found = problems(renamed(path, key, other))
    assert len(found) == 2
    assert any(problem.split(":")[0].endswith(key) and problem.endswith(": is missing") for problem in found)
    assert any(f"{other}: unknown key; did you mean {key!r}?" in problem for problem in found)


def test_a_rule_for_tcp_alone_is_told_that_tcp_is_not_supported_yet() -> None:
    spec = article()
    spec["traffic"][0]["tcp"] = spec["traffic"][0].pop("http")
    assert "traffic[0].tcp: is not supported yet" in problems(spec)


def test_a_redirect_alone_is_told_that_it_is_not_supported_yet() -> None:
    assert "traffic[0].http[0].redirect: is not supported yet" in problems(
        with_value("traffic.0.http.0", {"redirect": {"uri": "/"}})
    )


def test_a_bad_name_of_a_cluster_hides_nothing_else() -> None:
    spec = article()
    spec["clusters"]["Cluster_3"] = {"context": "x", "trustDomain": "X"}
    spec["services"][0]["namespace"] = "Default"
    spec["settleSeconds"] = -1
    found = [problem.split(":")[0] for problem in problems(spec)]
    assert {"clusters.Cluster_3", "services[0].namespace", "settleSeconds"} <= set(found)
