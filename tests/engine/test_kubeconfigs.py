"""How a stack reaches a cluster without a context: a kubeconfig that stays a secret, or files instead of a cluster."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.given.specs import Spec, bookinfo
from tests.real.clusters import Clusters
from tests.real.stack import Stack, a_checkout

pytestmark = pytest.mark.engine

ON_CLUSTER2 = {"DestinationRule/default/v3.reviews", "Gateway/istio-system/reviews-default-bdabf1b129"}


@pytest.fixture
def stack(new_stack: Callable[..., Stack], tmp_path: Path) -> Stack:
    """Its file is where the program looks for it, to tell secrets from plain text."""
    checkout = a_checkout(tmp_path / "checkout")
    stack = new_stack(program=checkout)
    (checkout / "stacks" / stack.config_file.name).symlink_to(stack.config_file)
    return stack


def test_an_encrypted_kubeconfig_leads_to_its_cluster_and_shows_neither_in_state_nor_in_diffs(
    stack: Stack, clusters: Clusters
) -> None:
    stack.configure(without_context("cluster2"))
    encrypt(stack, "cluster2", kubeconfig("cluster2", clusters))

    # no more than this: what Pulumi logs for itself with --logtostderr holds every secret
    shown = stack.preview("--diff", "--debug").output + stack.up("--diff").output

    assert objects_of("cluster2", clusters) == ON_CLUSTER2
    assert "[secret]" in shown
    state = json.dumps(stack.export())
    for secret in (token("cluster2", clusters), server("cluster2", clusters)):
        assert secret not in shown
        assert secret not in state


def test_another_kubeconfig_under_the_same_identity_updates_the_provider_and_nothing_else(
    stack: Stack, clusters: Clusters
) -> None:
    stack.configure(without_context("cluster2"))
    encrypt(stack, "cluster2", kubeconfig("cluster2", clusters))
    stack.up()

    rotated = kubeconfig("cluster2", clusters)
    rotated["users"][0]["user"]["token"] = another_token("cluster2", clusters)
    # without an identity, any difference here would make it another cluster
    rotated["clusters"][0]["cluster"]["disable-compression"] = True
    encrypt(stack, "cluster2", rotated)

    assert stack.steps() == {"cluster2": "update"}


def test_a_kubeconfig_in_plain_text_is_refused_also_beside_an_encrypted_one_and_nothing_is_written(
    stack: Stack, clusters: Clusters
) -> None:
    spec = without_context("cluster1", "cluster2")
    spec["clusters"]["cluster2"]["kubeconfig"] = clusters.sandbox.kubeconfig_of("cluster2").read_text()
    stack.configure(spec)
    record = clusters.record()

    refusals = [stack.preview(fails=True).output, stack.up(fails=True).output]
    encrypt(stack, "cluster1", kubeconfig("cluster1", clusters))
    refusals.append(stack.up(fails=True).output)

    for refusal in refusals:
        assert "pulumi config set --path --secret 'mesh:clusters.cluster2.kubeconfig'" in refusal
        assert token("cluster2", clusters) not in refusal
    assert not record.writes()


def test_the_objects_of_a_cluster_that_is_rendered_become_files_and_nothing_is_made_on_it(
    stack: Stack, clusters: Clusters, tmp_path: Path
) -> None:
    spec = without_context("cluster2")
    spec["clusters"]["cluster2"]["renderTo"] = str(tmp_path / "rendered")
    stack.configure(spec)
    record = clusters.record()

    stack.up()

    manifests = [yaml.safe_load(file.read_text()) for file in (tmp_path / "rendered").rglob("*.yaml")]
    assert {f"{m['kind']}/{m['metadata']['namespace']}/{m['metadata']['name']}" for m in manifests} == ON_CLUSTER2
    assert {write.cluster for write in record.writes()} == {"cluster1"}


def without_context(*names: str) -> Spec:
    """The bookinfo example; how to reach these clusters is left to say."""
    spec = bookinfo()
    for name in names:
        del spec["clusters"][name]["context"]
    return spec


def encrypt(stack: Stack, cluster: str, kubeconfig: dict[str, Any]) -> None:
    """Store the cluster's kubeconfig as the README says."""
    command = stack.command("config", "set", "--path", "--secret", f"mesh:clusters.{cluster}.kubeconfig")
    subprocess.run(command, env=stack.environ(), input=yaml.safe_dump(kubeconfig), text=True, check=True)


def objects_of(cluster: str, clusters: Clusters) -> set[str]:
    """`kind/namespace/name`."""
    return {key.removeprefix(f"{cluster}/") for key in clusters.objects(cluster)}


def kubeconfig(cluster: str, clusters: Clusters) -> dict[str, Any]:
    kubeconfig: dict[str, Any] = yaml.safe_load(clusters.sandbox.kubeconfig_of(cluster).read_text())
    return kubeconfig


def token(cluster: str, clusters: Clusters) -> str:
    """What a kubeconfig must not give away."""
    token: str = kubeconfig(cluster, clusters)["users"][0]["user"]["token"]
    return token


def server(cluster: str, clusters: Clusters) -> str:
    """Where it leads."""
    server: str = kubeconfig(cluster, clusters)["clusters"][0]["cluster"]["server"]
    return server


def another_token(cluster: str, clusters: Clusters) -> str:
    """It gives access to the cluster as well."""
    clusters.kubectl(cluster, "create", "serviceaccount", "another")
    role = ("--clusterrole=cluster-admin", "--serviceaccount=default:another")
    clusters.kubectl(cluster, "create", "clusterrolebinding", "another", *role)
    return clusters.kubectl(cluster, "create", "token", "another").strip()
