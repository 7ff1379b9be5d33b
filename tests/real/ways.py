"""Whether calls to reviews go where a spec says: by the caller's proxy, and by who answers."""

import re
import time
from collections.abc import Iterator
from typing import NamedTuple

from sandbox.mesh.admin import Proxy
from tests.given.specs import Spec
from tests.real.federation import LiveFederation
from tests.real.updates import AT_ROOT, READS, connect_timeout

CLIENT = "cluster1"


class Way(NamedTuple):
    """How a proxy calls a version of reviews."""

    cluster: str
    """Envoy's own name for it; or which clusters stand in for each other, in order."""
    address: str
    """Of the gateway; `""` where the calls stay on their cluster."""
    connect_timeout: str


def await_ways(federation: LiveFederation, spec: Spec, within: float) -> None:
    """Until the caller's proxy knows the ways to reviews that the spec has, and no others any more."""
    proxy = federation.bed.proxy(federation.bed.caller("cluster1/productpage").workload)
    wanted = set(_ways(spec))
    deadline = time.monotonic() + within
    while (ways := set(_ways_of(proxy))) != wanted:
        assert time.monotonic() < deadline, f"{ways} instead of {wanted}"
        time.sleep(0.1)


def _ways(spec: Spec) -> Iterator[Way]:
    """One for each version that is called and each address that leads there; not to Services, which always have one."""
    [service, *_] = spec["services"]
    for place in (place for entry in _entries(spec) for place in _taking_calls(spec, entry)):
        name, version = place["cluster"], place["version"]
        presence = service["clusters"][name]
        policies = (
            presence.get("versionPolicies", {}).get(version),
            presence.get("trafficPolicy"),
            service.get("trafficPolicy"),
            connect_timeout(1 if name != CLIENT else 10),
        )
        timeout = next(policy["connectionPool"]["tcp"]["connectTimeout"] for policy in policies if policy)
        members = [name, *(substitute["cluster"] for substitute in place.get("failover", ()))]
        if len(members) > 1:
            for member in members:
                addresses = _addresses(spec["clusters"][member]["gateway"]) if member != CLIENT else [""]
                yield from (Way("-".join(members), address, "1s") for address in addresses)
        elif name != CLIENT:
            for address in _addresses(spec["clusters"][name]["gateway"]):
                yield Way(f"outbound|9080|{version}|reviews.default.svc.{name}.global", address, timeout)
        elif version not in presence.get("versionServices", {}):
            yield Way(f"outbound|9080|{version}|reviews.default.svc.cluster.local", "", timeout)


def _ways_of(proxy: Proxy) -> Iterator[Way]:
    for name, cluster in proxy.clusters().items():
        _, port, version, host = name.split("|") if name.count("|") == 3 else [""] * 4
        several = _SEVERAL.fullmatch(host)
        if port == "9080" and host.startswith("reviews.") and (version or several):
            for endpoint in proxy.endpoints(name):
                # the gateways' addresses are no pod's
                address = endpoint.partition(":")[0] if endpoint.startswith("172.18.") else ""
                yield Way(several[1] if several else name, address, cluster["connect_timeout"])


_SEVERAL = re.compile(r"reviews\.default\.svc\.(.+)-[0-9a-f]{10}\.global")
"""A host at which several clusters answer."""


def _entries(spec: Spec) -> Iterator[Spec]:
    """All that is stated of calls to reviews."""
    for of_reviews in spec["traffic"]:
        if of_reviews["service"] == "reviews.default":
            yield from of_reviews["http"]


def _taking_calls(spec: Spec, entry: Spec) -> list[Spec]:
    """Where its calls go: to none of its destinations on a cluster that is drained or retired."""
    return [place for place in entry["route"] if spec["clusters"][place["cluster"]].get("state", "active") == "active"]


def _addresses(gateway: Spec) -> Iterator[str]:
    """Those that the caller can dial."""
    for address in gateway["addresses"]:
        if isinstance(address, str):
            yield address
        elif CLIENT in address["clients"]:
            yield address["address"]


def assert_answers(federation: LiveFederation, spec: Spec) -> None:
    """Calls to reviews are answered by whom the spec says, all of them."""
    report = federation.send(200)
    assert report.failures == []
    entry = next(stated for stated in _entries(spec) if stated.get("match") in (None, AT_ROOT, READS))
    assert report.answers.keys() == {
        f"{_pods(spec, place)} on {place['cluster']}" for place in _taking_calls(spec, entry)
    }


def _pods(spec: Spec, place: Spec) -> str:
    """The version of the pods that answer there, as they themselves call it."""
    own = spec["services"][0]["clusters"][place["cluster"]].get("versionServices", {})
    version: str = place["version"]
    return str(own[version]).removeprefix("reviews-") if version in own else version
