"""For every spec, names are valid, and different things have different ones."""

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from mesh_federation.mesh.errors import SpecError

from tests.given.translations import Translation, key, translate, translations
from tests.oracle.reading import policies

LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
SHORT = ("a", "a", "cluster1", "cluster2", "v1", "cluster.local", "{service}.{namespace}.svc.{cluster}.global")


@given(translations)
def test_names_are_valid_and_told_apart(translation: Translation) -> None:
    keys = [key(cluster, found) for cluster, found in translation.everything]
    assert len(keys) == len(set(keys))
    assert_names_are_valid(translation)


def long(least: int = 40) -> st.SearchStrategy[str]:
    """Labels near the longest that there are, and a little over."""
    return st.integers(least, 64).map(lambda size: "a" * size)


@given(
    st.tuples(
        *[long() for _ in range(5)],
        st.lists(long(), min_size=2, max_size=3).map(".".join),
        st.sampled_from(
            [SHORT[-1], "{service}-x.{namespace}.svc.{cluster}.global", "{cluster}.{service}.y-{namespace}"]
        ),
    )
)
@example(SHORT)
@example((*["a" * 63] * 5, "cluster.local", SHORT[-1]))
@example(("a" * 62, *SHORT[1:-1], "{service}-x.{namespace}.svc.{cluster}.global"))
@example((*["a" * 60] * 2, *SHORT[2:4], "a" * 63, f"{'a' * 42}.local", SHORT[-1]))
@example((*["a" * 60] * 2, *SHORT[2:4], "a" * 63, f"{'a' * 43}.local", SHORT[-1]))
def test_names_that_are_too_long_are_refused_and_no_others(names: tuple[str, ...]) -> None:
    service, namespace, client, serving, version, domain, hosts = names
    runs = {"serviceAccounts": ["default"], "versions": [version]}
    spec = {
        "clusters": {
            client: {"context": "one"},
            f"{serving}x": {"context": "two", "domain": domain, "gateway": {"addresses": ["192.0.2.1"]}},
        },
        "services": [
            {
                "name": service,
                "namespace": namespace,
                "ports": [{"name": "http", "number": 9080, "protocol": "HTTP"}],
                "clusters": {client: runs, f"{serving}x": runs},
            }
        ],
        "traffic": [
            {
                "service": f"{service}.{namespace}",
                "clients": {"clusters": [client]},
                "http": [{"route": [{"cluster": f"{serving}x", "version": version}]}],
            }
        ],
        "hosts": hosts,
    }
    host = hosts.replace("{service}", service).replace("{namespace}", namespace).replace("{cluster}", f"{serving}x")
    sni = f"outbound_.9080_.{version}_.{service}.{namespace}.svc.{domain}"
    stated = [service, namespace, client, f"{serving}x", version, *domain.split("."), *host.split(".")]
    if max(map(len, stated)) <= 63 and len(f"{version}.{host}") <= 253 and len(sni) <= 255:
        assert_names_are_valid(translate(spec))
    else:
        with pytest.raises(SpecError):
            translate(spec)


def assert_names_are_valid(translation: Translation) -> None:
    for _, found in translation.everything:
        name, namespace = found["metadata"]["name"], found["metadata"]["namespace"]
        assert LABEL.fullmatch(namespace)
        assert len(name) <= 253
        assert all(LABEL.fullmatch(part) for part in name.split("."))
        assert found["kind"] != "Gateway" or LABEL.fullmatch(name)
        for subset in found["spec"].get("subsets", ()):
            assert LABEL.fullmatch(subset["name"])
        for policy in policies(found):
            for level in policy["portLevelSettings"]:
                assert len(level["tls"]["sni"].encode()) <= 255
        labels = found["metadata"]["labels"]
        assert labels["app.kubernetes.io/managed-by"] == "mesh-federation"
        assert labels["app.kubernetes.io/part-of"] == "mesh"
