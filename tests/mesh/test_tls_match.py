"""Matches of `tls`: at each network the first entry that fits takes a name; what is late stays as it is."""

from typing import Any

from mesh_federation.mesh.plan.tls_match import told_apart


class Late:
    def apply(self, _function: Any) -> None: ...


def matches(*stated: dict[str, Any]) -> list[tuple[str, str]]:
    """(server name, network) of the first entry, then of the second, and so on."""
    entries = told_apart([{"match": [match]} for match in stated])
    return [(match["sniHosts"][0], match["destinationSubnets"][0]) for entry in entries for match in entry["match"]]


def test_a_wider_network_takes_the_narrower_ones_in_it() -> None:
    wide = {"sniHosts": ["a"], "destinationSubnets": ["10.0.0.0/8"]}
    narrow = {"sniHosts": ["b"], "destinationSubnets": ["10.1.2.3/16", "2001:db8::/32"]}

    assert matches(wide, narrow) == [
        ("a", "10.1.0.0/16"),
        ("a", "10.0.0.0/8"),
        ("b", "10.1.0.0/16"),
        ("b", "2001:db8::/32"),
    ]


def test_a_match_for_every_network_stands_at_each_of_the_others() -> None:
    assert matches({"sniHosts": ["a"], "destinationSubnets": ["192.0.2.1"]}, {"sniHosts": ["b"]}) == [
        ("a", "192.0.2.1/32"),
        ("b", "192.0.2.1/32"),
        ("b", "0.0.0.0/0"),
    ]


def test_what_is_late_is_not_looked_into() -> None:
    names, network = Late(), Late()
    late = [{"match": [{"sniHosts": names}, {"sniHosts": ["a"], "destinationSubnets": [network]}]}]

    assert told_apart(late) == late
