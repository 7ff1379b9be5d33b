"""The tracked stack files: valid, without secrets, and as different as their comments say."""

import subprocess
from ipaddress import ip_address, ip_network
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
import yaml
from mesh_federation.mesh.ip_addresses import ip_version, is_ip_address
from mesh_federation.mesh.spec.federation import Federation

from tests.given import core
from tests.given.repository import REPOSITORY

ENVIRONMENTS = ("dev", "staging", "prod")


def tracked() -> list[Path]:
    """As git lists them: an environment of your own, which git ignores or does not know yet, is yours."""
    listing = ["git", "ls-files", "--cached", "stacks/*.yaml"]
    paths = subprocess.run(listing, cwd=REPOSITORY, capture_output=True, text=True, check=False).stdout.split()
    ours = [f"stacks/Pulumi.{name}.yaml" for name in ("demo", *ENVIRONMENTS)]
    return [REPOSITORY / path for path in sorted({*paths, *ours})]


def federation_of(name: str) -> Federation:
    return core.read_file(stack_file(name))


def stack_file(name: str) -> Path:
    return REPOSITORY / "stacks" / f"Pulumi.{name}.yaml"


@pytest.mark.parametrize("path", tracked(), ids=lambda path: path.name)
def test_passes_check(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert core.run("check", path) == 0, capsys.readouterr().err


@pytest.mark.parametrize("path", tracked(), ids=lambda path: path.name)
def test_holds_no_secret_and_no_salt(path: Path) -> None:
    text = path.read_text()
    content: dict[str, Any] = yaml.safe_load(text)
    assert content.keys() == {"config"}, "an encryptionsalt belongs to one person's passphrase"
    assert "secure:" not in text
    for cluster in content["config"]["mesh:clusters"].values():
        assert "context" in cluster
        assert "kubeconfig" not in cluster


@pytest.mark.parametrize("path", tracked(), ids=lambda path: path.name)
def test_says_at_its_top_what_it_shows(path: Path) -> None:
    assert path.read_text().startswith("# ")


def test_dev_has_two_clusters_and_waits_for_nothing() -> None:
    dev = federation_of("dev")
    assert len(dev.clusters) == 2
    assert dev.settle_seconds == 0
    assert core.outputs_of(dev)["trust"] == {}
    ports = {name: cluster.gateway.port for name, cluster in dev.clusters.items() if cluster.gateway}
    assert ports == {"desk": 15443, "lab": 31443}


def test_staging_has_three_clusters_and_a_gateway_with_a_name() -> None:
    staging = federation_of("staging")
    assert len(staging.clusters) == 3
    assert any(not is_ip_address(address) for address in gateway_addresses(staging))
    assert any(rule.port for rule in staging.traffic)
    assert any(len(service.ports) > 1 for service in staging.services)
    weights = [d.weight for rule in staging.traffic for http in rule.http for d in http.route]
    assert 0 in weights


def test_prod_has_five_clusters_in_three_regions() -> None:
    prod = federation_of("prod")
    assert len(prod.clusters) == 5
    localities = [cluster.locality for cluster in prod.clusters.values()]
    assert None not in localities
    assert {str(locality).split("-", maxsplit=1)[0] for locality in localities} == {"europe", "us", "asia"}
    assert len({cluster.trust_domain for cluster in prod.clusters.values()}) == 5


def test_prod_uses_what_its_comments_explain() -> None:
    prod = federation_of("prod")
    gateways = [cluster.gateway for cluster in prod.clusters.values() if cluster.gateway]
    assert any(len(gateway.addresses) > 1 for gateway in gateways)
    assert any(not gateway.manage for gateway in gateways)
    assert any(gateway.port != gateway.listener_port for gateway in gateways)
    assert any(ip_version(address) == 6 for address in gateway_addresses(prod))
    assert any(service.imported_by for service in prod.services)
    assert any(presence.subsets for service in prod.services for presence in service.clusters.values())
    assert "GRPC" in {port.protocol for service in prod.services for port in service.ports}
    assert any(reach.identity for reach in core.reach_of_file(stack_file("prod")).values())
    assert any(cluster.domain != "cluster.local" for cluster in prod.clusters.values())


def test_prods_pins_are_for_hosts_that_exist() -> None:
    prod = federation_of("prod")
    assert prod.addresses.taken
    assert prod.addresses.pins.keys() <= core.hosts(prod)


@pytest.mark.parametrize(("one", "other"), list(combinations(ENVIRONMENTS, 2)))
def test_no_cluster_is_part_of_two_environments(one: str, other: str) -> None:
    contexts = [{reach.context for reach in core.reach_of_file(stack_file(name)).values()} for name in (one, other)]
    assert not contexts[0] & contexts[1]


def test_every_gateway_address_is_for_documentation_or_private() -> None:
    reserved = [
        ip_network(network)
        for network in ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "192.168.0.0/16", "2001:db8::/32")
    ]
    for name in ENVIRONMENTS:
        for address in filter(is_ip_address, gateway_addresses(federation_of(name))):
            assert any(ip_address(address) in network for network in reserved), address


def gateway_addresses(federation: Federation) -> list[str]:
    return [
        target.address
        for cluster in federation.clusters.values()
        if cluster.gateway
        for target in cluster.gateway.addresses
    ]
