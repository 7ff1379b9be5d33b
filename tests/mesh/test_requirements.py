"""What must be true of a cluster is said of that cluster: only what concerns it, with its own names."""

from dataclasses import replace
from typing import Any

from mesh_federation.mesh.requirements import REQUIREMENTS, Facts, requirements
from mesh_federation.mesh.spec.cluster import Cluster

from tests.given import core, specs


def cluster(**gateway: Any) -> Cluster:
    """A serving cluster, whose gateway is in a namespace of its own and behind a node port."""
    stated = {"addresses": ["172.18.0.230"], "namespace": "gateways", "port": 31443, **gateway}
    return Cluster.model_validate({"gateway": stated})


CLIENT = Facts(Cluster.model_validate({"istio": {"version": "1.30"}}), called=["reviews.default"])
SERVING = Facts(cluster(), served=["ratings.shop", "reviews.default"], trust_domains=["cluster1"])


def test_a_cluster_that_neither_calls_nor_answers_need_fulfil_nothing() -> None:
    assert requirements(Facts(Cluster())) == {}


def test_a_client_cluster_hears_nothing_of_gateways() -> None:
    sentences = requirements(CLIENT)

    assert "cluster-ip" in sentences
    assert not any("gateway" in sentence for sentence in sentences.values())


def test_a_serving_cluster_hears_nothing_of_callers() -> None:
    assert not {"cluster-ip", "no-wildcard-rule", "dns-proxy"} & requirements(SERVING).keys()


def test_sentences_name_the_cluster_s_own_services_namespaces_and_ports() -> None:
    sentences = requirements(SERVING)

    assert sentences["release"] == "Istio runs on the cluster itself, in release 1.27 to 1.32."
    assert requirements(CLIENT)["release"] == "Istio runs on the cluster itself, in release 1.30."
    assert sentences["discovery-selectors"].startswith(
        "The `discoverySelectors` of the mesh, where there are any, "
        "select the namespaces default, gateways, istio-system and shop."
    )
    assert sentences["gateway-is-reachable"].endswith("to the gateway addresses, on port 31443.")
    assert sentences["no-other-passthrough"].startswith("No other server on port 15443 of the gateway")
    assert sentences["visible-to-the-gateway"].startswith(
        "Nothing hides the services ratings.shop and reviews.default from the namespace gateways:"
    )
    assert sentences["accepted-trust-domains"].startswith("The mesh accepts the trust domain cluster1,")


def test_one_trust_domain_needs_no_other_accepted() -> None:
    assert "accepted-trust-domains" not in requirements(replace(SERVING, trust_domains=[]))


def test_a_gateway_of_one_s_own_must_admit_the_hosts_and_may_have_a_wildcard() -> None:
    own = replace(SERVING, cluster=cluster(manage=False))

    assert "own-passthrough" not in requirements(SERVING)
    assert "own-passthrough" in requirements(own)
    assert "no-other-passthrough" not in requirements(own)


def test_a_wildcard_rule_does_no_harm_to_a_gateway_in_the_root_namespace() -> None:
    in_root = replace(SERVING, cluster=cluster(namespace="istio-system"))

    assert "no-wildcard-rule-at-the-gateway" in requirements(SERVING)
    assert "no-wildcard-rule-at-the-gateway" not in requirements(in_root)


def test_each_of_several_gateways_is_named_before_what_it_needs() -> None:
    gateways = {
        "a": {"addresses": ["172.18.0.230"], "namespace": "gateways"},
        "b": {"addresses": ["172.18.0.231"], "namespace": "edge", "selector": {"istio": "b"}, "manage": False},
    }
    several = replace(
        SERVING,
        cluster=Cluster.model_validate({"gateways": gateways}),
        served_by={"a": ["reviews.default"], "b": ["ratings.shop", "reviews.default"]},
    )

    sentences = requirements(several)

    assert sentences["gateway-runs"] == (
        "Of the gateway a: The pods of the east-west gateway run in the namespace gateways, "
        "with the labels `istio: eastwestgateway`. "
        "Of the gateway b: The pods of the east-west gateway run in the namespace edge, with the labels `istio: b`."
    )
    assert sentences["visible-to-the-gateway"].startswith(
        "Of the gateway a: Nothing hides the service reviews.default from the namespace gateways:"
    )
    assert "edge, gateways, istio-system and shop" in sentences["discovery-selectors"]
    assert sentences["gateway-is-reachable"].startswith("The pods of the client clusters")
    assert sentences["own-passthrough"].startswith("Of the gateway b: Where")
    assert sentences["no-other-passthrough"].startswith("Of the gateway a: No other server")


def test_a_gateway_that_leads_to_no_service_needs_nothing() -> None:
    gateways = {name: {"addresses": [f"{name}.example.com"], "selector": {"istio": name}} for name in ("a", "b")}
    cluster_ = Cluster.model_validate({"gateways": gateways})

    sentences = requirements(replace(SERVING, cluster=cluster_, served_by={"b": []}))

    assert sentences["gateway-runs"].startswith("Of the gateway a:")
    assert "gateway b" not in str(sentences)


def test_only_who_dials_federated_hosts_needs_the_dns_proxy() -> None:
    assert "dns-proxy" not in requirements(CLIENT)
    assert "mysql.data" in requirements(replace(CLIENT, dialled=["mysql.data"]))["dns-proxy"]


def test_a_service_that_does_not_run_here_needs_no_pods_here() -> None:
    assert "services-exist" not in requirements(replace(CLIENT, absent=["reviews.default"]))


def test_a_headless_service_may_be_headless() -> None:
    mixed = replace(CLIENT, called=["mysql.data", "reviews.default"], headless=["mysql.data"])

    assert requirements(mixed)["cluster-ip"].startswith(
        "Nothing sets `clusterIP: None` for the service reviews.default,"
    )


def test_services_are_called_as_the_cluster_calls_them() -> None:
    spec = specs.bookinfo()
    spec["services"][0]["clusters"]["cluster2"] |= {"name": "reviews-web", "namespace": "shop"}

    sentences = core.requirements_of(core.read(spec))

    assert "for the service reviews.default," in sentences["cluster1"]["services-exist"]
    assert "for the service reviews-web.shop," in sentences["cluster2"]["services-exist"]
    assert "istio-system and shop" in sentences["cluster2"]["discovery-selectors"]


def test_a_version_that_is_a_service_must_exist_where_it_answers() -> None:
    spec = specs.bookinfo()
    own = {"versions": [], "versionServices": {"v3": "reviews-next", "v4": "reviews-last"}}
    spec["services"][0]["clusters"]["cluster2"] |= own

    sentences = core.requirements_of(core.read(spec))

    assert "version-services" not in sentences["cluster1"]
    assert sentences["cluster2"]["version-services"] == (
        "Where `versionServices` names the services reviews-last.default and reviews-next.default, "
        "Kubernetes has them, with the ports of the spec."
    )


def test_many_services_are_named_in_part_and_counted() -> None:
    many = replace(CLIENT, called=[f"service-{number}.shop" for number in range(7)])

    assert requirements(many)["mutual-tls"].endswith(
        "for the services service-0.shop, service-1.shop, service-2.shop, service-3.shop, service-4.shop and 2 more."
    )


def test_no_placeholder_is_left() -> None:
    everything = replace(SERVING, called=["reviews.default"], dialled=["mysql.data"])

    assert not any("{" in sentence for sentence in requirements(everything).values())


def test_names_are_unique() -> None:
    names = [requirement.name for requirement in REQUIREMENTS]

    assert len(set(names)) == len(names)
