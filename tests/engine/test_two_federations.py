"""Two federations on the same clusters: side by side with disjoint services, and never two for the same host."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.given.specs import Spec, bookinfo, rule, service
from tests.real.clusters import Clusters
from tests.real.stack import Stack, program

pytestmark = pytest.mark.engine

IN_ONE_PROGRAM = """
import pulumi
from mesh_federation import MeshFederation, settings

stated = settings.read()


def federation(name, service, pool):
    MeshFederation(name, {{
        **stated,
        "services": [item for item in stated["services"] if item["name"] == service],
        "traffic": [rule for rule in stated["traffic"] if rule["service"] == f"{{service}}.default"],
        "addresses": {{"pool": pool}},
    }})


federation("shop", "reviews", "240.0.0.0/16")
federation("bank", {service!r}, "240.1.0.0/16")
"""


def test_two_federations_of_one_program_live_side_by_side_but_not_with_a_common_host(
    new_stack: Callable[..., Stack], clusters: Clusters, tmp_path: Path
) -> None:
    source = tmp_path / "program"
    stack = new_stack(program=program(source, IN_ONE_PROGRAM.format(service="reviews")))
    stack.configure(bookinfo_with_accounts())
    with_a_preview, without = stack.run("up", "--yes", fails=True).output, stack.up(fails=True).output
    for failure in (with_a_preview, without):
        assert "bank cannot be built; federations on the same clusters need disjoint services:" in failure
        assert "VirtualService default/reviews on cluster1 is made by shop" in failure
        assert "Gateway istio-system/reviews-default-bdabf1b129 on cluster2 is made by shop" in failure
        assert "Traceback" not in failure
    assert not clusters.objects()

    program(source, IN_ONE_PROGRAM.format(service="accounts"))
    stack.up()
    assert {federation: len(made_by(clusters, federation)) for federation in ("shop", "bank")} == {"shop": 8, "bank": 7}
    assert len(clusters.objects()) == 15
    shop = made_by(clusters, "shop")

    program(source, IN_ONE_PROGRAM.format(service="accounts").rpartition("federation(")[0])
    stack.up()
    assert clusters.objects() == shop


def test_another_stack_cannot_take_a_host_and_the_first_ones_routes_stay_as_they_are(
    new_stack: Callable[..., Stack], clusters: Clusters
) -> None:
    first, second = new_stack("first"), new_stack("second")
    first.configure(bookinfo())
    first.up()
    before = clusters.objects()

    spec = bookinfo()
    route = spec["traffic"][0]["http"][0]["route"]
    route[0]["weight"] = 1
    second.configure(spec)
    failure = second.up(fails=True).output
    # the URN ends with kind, namespace and name; routes come last, so that it is never one of them
    refused = re.findall(r'/(\w+)/([\w-]+)/([\w.-]+)" was not .* API server: .* "([\w.-]+)" already exists', failure)
    assert refused
    for kind, namespace, name, existing in refused:
        assert kind != "VirtualService"
        assert namespace in ("default", "istio-system")
        assert name == existing
    assert clusters.objects() == before

    second.destroy()
    assert clusters.objects() == before


def bookinfo_with_accounts() -> Spec:
    spec = bookinfo()
    spec["services"].append(service("accounts", cluster1=["v1"], cluster2=["v1"]))
    spec["traffic"].append(rule("accounts.default", ["cluster1"], ("cluster2", "v1", 1), ("cluster1", "v1", 1)))
    return spec


def made_by(clusters: Clusters, federation: str) -> dict[str, object]:
    label = "app.kubernetes.io/part-of"
    return {key: obj for key, obj in clusters.objects().items() if obj["metadata"]["labels"].get(label) == federation}
