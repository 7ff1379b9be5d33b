"""For every spec, names are valid, and different things have different ones."""

import re

from hypothesis import given

from tests.mesh.reading import Built, built, key, policies

LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")


@given(built)
def test_names_are_valid_and_told_apart(made: Built) -> None:
    keys = [key(cluster, found) for cluster, found in made.everything]
    assert len(keys) == len(set(keys))
    for _, found in made.everything:
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
