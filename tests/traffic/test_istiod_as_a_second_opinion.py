"""Every scenario's objects in real clusters: what istiod and Envoy make of them, and what `istioctl analyze` says."""

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sandbox import tools
from sandbox.clusters import Sandbox
from sandbox.mesh.admin import Proxy
from sandbox.mesh.bed import Bed, sandbox_for_beds
from sandbox.mesh.topology import BedCluster, Workload
from tests.given.scenarios import SCENARIOS, title
from tests.oracle import facts
from tests.oracle.facts import Remote, Route, Share
from tests.real.requirement import require_mesh
from tests.real.scenario import Scenario

pytestmark = pytest.mark.mesh

CLUSTERS = ("cluster1", "cluster2", "cluster3")

SUPPRESSED = {
    r"IST0101 .* host\+subset in destinationrule not found: \"(?![^\"]+\.svc\.cluster\.local\+)": (
        "the analyzer looks for rules of a host outside cluster.local in the VirtualService's own namespace alone; "
        "istiod looks in the root namespace, too, and the tests see the cluster that it makes"
    ),
    r"IST0101 .* not found: \"[^\"]+\.internal": "istioctl takes every cluster's domain for cluster.local",
}
"""Code and text of an analyzer's error → why it is none."""


class Court:
    """Clusters with nothing on them but a gateway and a caller each, as a scenario needs them; kept for the next."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.bed = Bed(sandbox)

    def sit(self, scenario: Scenario) -> Bed:
        wanted = scenario.mesh_clusters()
        if not (self.bed.is_up and set(wanted) <= set(self.bed.clusters.values())):
            clusters = [*wanted, *(BedCluster(name) for name in CLUSTERS[len(wanted) :])]
            self.bed = Bed.up(self.bed.sandbox, clusters, [caller(cluster.name) for cluster in clusters])
        there = {pod.workload.cluster: pod.workload for pod in self.bed.pods() if pod.workload.is_gateway}
        for workload in scenario.gateways().values():
            if (known := there.get(workload.cluster)) != workload:
                if known:
                    self.bed.stop(known)
                self.bed.start(workload)
        return self.bed


def caller(cluster: str) -> Workload:
    return Workload(cluster, "caller", namespace="callers")


@pytest.fixture(scope="module")
def court(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Court]:
    require_mesh()
    with sandbox_for_beds(tmp_path_factory.mktemp("court") / "sandbox", CLUSTERS) as sandbox:
        yield Court(sandbox)


@pytest.mark.parametrize(
    "folder", [path for path in SCENARIOS if not (path / "problems.golden.txt").exists()], ids=title
)
def test_istiod_makes_of_a_scenario_what_its_spec_says(folder: Path, court: Court) -> None:
    scenario = Scenario(folder)
    bed = court.sit(scenario)
    try:
        scenario.load(bed)
        bed.settle()  # a proxy that refuses something never settles

        needed = [*facts.dialled(scenario)]
        for route in facts.routes(scenario):
            assert_client_splits(route, bed.proxy(caller(scenario.place[route.client])))
            needed += [(route.client, share) for share in route.shares]
        assert needed
        for client, share in needed:
            assert_client_holds(share, bed.proxy(caller(scenario.place[client])))
        for remote in {share.remote for _, share in needed if share.remote}:
            serving = scenario.gateways()[remote.serving]
            settings = scenario.federation.clusters[remote.serving].gateway
            assert settings is not None
            assert_gateway_holds(remote, bed.proxy(serving), settings.listener_port)
        for place in scenario.place.values():
            assert errors(bed.sandbox, place) == []
    finally:
        scenario.unload(bed)


def assert_client_splits(route: Route, proxy: Proxy) -> None:
    (virtual_host,) = (
        host
        for host in proxy.routes()[str(route.port)]["virtual_hosts"]
        if host["name"] == f"{route.host}:{route.port}"
    )
    (only,) = virtual_host["routes"]
    weights = {item["name"]: item["weight"] for item in only["route"].get("weighted_clusters", {}).get("clusters", [])}
    assert (weights or {only["route"]["cluster"]: route.shares[0].weight}) == {
        share.cluster: share.weight for share in route.shares
    }


def assert_client_holds(share: Share, proxy: Proxy) -> None:
    found = proxy.clusters()[share.cluster]
    assert endpoints(found, proxy) == share.endpoints
    if share.remote:
        tls = found["transport_socket"]["typed_config"]
        assert tls["sni"] == share.remote.sni
        assert identities(tls) == share.remote.identities


def assert_gateway_holds(remote: Remote, proxy: Proxy, port: int) -> None:
    assert proxy.refused_listeners() == {}
    chains = {
        chain["filter_chain_match"]["server_names"][0]: chain
        for chain in proxy.listeners()[f"0.0.0.0_{port}"]["filter_chains"]
        if "server_names" in chain.get("filter_chain_match", {})
    }
    passed_on = chains[remote.sni]["filters"][-1]["typed_config"]
    assert passed_on["cluster"] == remote.sni
    assert set(proxy.endpoints(remote.sni)) == remote.pods


def identities(tls: dict[str, Any]) -> set[str]:
    validation = tls["common_tls_context"]["combined_validation_context"]["default_validation_context"]
    return {name["exact"] for name in validation["match_subject_alt_names"]}


def endpoints(cluster: dict[str, Any], proxy: Proxy) -> set[str]:
    """Where the cluster's connections go: as stated where names are resolved, else as istiod has told."""
    if cluster["type"] == "EDS":
        return set(proxy.endpoints(cluster["name"]))
    return {
        f"{address['address']}:{address['port_value']}"
        for locality in cluster["load_assignment"]["endpoints"]
        for endpoint in locality["lb_endpoints"]
        for address in [endpoint["endpoint"]["address"]["socket_address"]]
    }


def errors(sandbox: Sandbox, cluster: str) -> list[str]:
    """What `istioctl analyze` finds wrong with everything on a cluster."""
    command = [str(tools.program(tools.ISTIO, "istioctl")), "--kubeconfig", str(sandbox.kubeconfig_of(cluster))]
    analyze = [*command, "analyze", "--all-namespaces", "--output", "json"]
    run = subprocess.run(analyze, capture_output=True, text=True, check=True)
    found = json.loads(run.stdout or "[]")
    texts = [
        f"{message['code']} {message.get('origin', '')}: {message['message']}"
        for message in found
        if message["level"] == "Error"
    ]
    return [text for text in texts if not any(re.match(pattern, text) for pattern in SUPPRESSED)]
