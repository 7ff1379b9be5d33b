"""For every spec, names are valid, and different things have different ones."""

import re
from dataclasses import dataclass

from hypothesis import example, given
from hypothesis import strategies as st

from tests.given import core
from tests.given.specs import Spec
from tests.given.translations import Translation, key, translate, translations
from tests.oracle.reading import policies

LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
TEMPLATES = (
    "{service}.{namespace}.svc.{cluster}.global",
    "{service}-x.{namespace}.svc.{cluster}.global",
    "{cluster}.{service}.y-{namespace}",
)


@dataclass(frozen=True)
class Names:
    """Everything in a spec that becomes part of an object's name or of a server name; short where not stated."""

    service: str = "a"
    namespace: str = "a"
    client: str = "cluster1"
    serving: str = "cluster2"
    version: str = "v1"
    domain: str = "cluster.local"
    hosts: str = TEMPLATES[0]


@given(translations)
def test_names_are_valid_and_told_apart(translation: Translation) -> None:
    keys = [key(cluster, manifest) for cluster, manifest in translation.everything]
    assert len(keys) == len(set(keys))
    assert_names_are_valid(translation)


def long() -> st.SearchStrategy[str]:
    """Labels near the longest that there are, and a little over."""
    return st.integers(40, 64).map(lambda size: "a" * size)


def fit(names: Names) -> bool:
    """Whether no name is longer than DNS, Kubernetes or a server name allows."""
    host = names.hosts.format(service=names.service, namespace=names.namespace, cluster=names.serving)
    sni = f"outbound_.9080_.{names.version}_.{names.service}.{names.namespace}.svc.{names.domain}"
    labels = [
        names.service,
        names.namespace,
        names.client,
        names.serving,
        names.version,
        *names.domain.split("."),
        *host.split("."),
    ]
    return max(map(len, labels)) <= 63 and len(f"{names.version}.{host}") <= 253 and len(sni) <= 255


long_names = st.builds(
    Names,
    service=long(),
    namespace=long(),
    client=long().map(lambda name: f"c{name[1:]}"),
    serving=long(),
    version=long(),
    domain=st.just("cluster.local") | st.lists(long(), min_size=2, max_size=3).map(".".join),
    hosts=st.sampled_from(TEMPLATES),
)


@given(long_names.filter(fit))
@example(Names())
@example(Names(service="a" * 61, hosts=TEMPLATES[1]))
@example(Names(service="a" * 60, namespace="a" * 60, version="a" * 63, domain=f"{'a' * 42}.local"))
def test_names_that_fit_are_valid(names: Names) -> None:
    assert_names_are_valid(translate(spec_with(names)))


@given(long_names.filter(lambda names: not fit(names)))
@example(Names(service="a" * 63, namespace="a" * 63, client="c" * 63, serving="a" * 63, version="a" * 63))
@example(Names(service="a" * 62, hosts=TEMPLATES[1]))
@example(Names(service="a" * 60, namespace="a" * 60, version="a" * 63, domain=f"{'a' * 43}.local"))
def test_names_that_are_too_long_are_refused(names: Names) -> None:
    assert core.problems(spec_with(names))


def spec_with(names: Names) -> Spec:
    """A service that runs on two clusters under these names; calls on one of them go to the other."""
    runs = {"serviceAccounts": ["default"], "versions": [names.version]}
    return {
        "clusters": {
            names.client: {"context": "one"},
            names.serving: {"context": "two", "domain": names.domain, "gateway": {"addresses": ["192.0.2.1"]}},
        },
        "services": [
            {
                "name": names.service,
                "namespace": names.namespace,
                "ports": [{"name": "http", "number": 9080, "protocol": "HTTP"}],
                "clusters": {names.client: runs, names.serving: runs},
            }
        ],
        "traffic": [
            {
                "service": f"{names.service}.{names.namespace}",
                "clients": {"clusters": [names.client]},
                "http": [{"route": [{"cluster": names.serving, "version": names.version}]}],
            }
        ],
        "hosts": names.hosts,
    }


def assert_names_are_valid(translation: Translation) -> None:
    for _, manifest in translation.everything:
        name, namespace = manifest["metadata"]["name"], manifest["metadata"]["namespace"]
        assert LABEL.fullmatch(namespace)
        assert len(name) <= 253
        assert all(LABEL.fullmatch(part) for part in name.split("."))
        assert manifest["kind"] != "Gateway" or LABEL.fullmatch(name)
        for subset in manifest["spec"].get("subsets", ()):
            assert LABEL.fullmatch(subset["name"])
        for policy in policies(manifest):
            for level in policy["portLevelSettings"]:
                assert len(level["tls"]["sni"].encode()) <= 255
        labels = manifest["metadata"]["labels"]
        assert labels["app.kubernetes.io/managed-by"] == "mesh-federation"
        assert labels["app.kubernetes.io/part-of"] == "mesh"
