"""A real API server judges every object, CEL rules and all, by the CRDs of each supported Istio release.

It is asked to create each and to store none, so specs that use the same names do not meet. A release's CRDs stand
beside the sandbox's own, in an API group of their own. CRDs cannot see an object's namespace: one serves for all.
"""

import base64
import json
import ssl
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest
import urllib3
import yaml
from hypothesis import given, settings

from sandbox.clusters import Sandbox
from tests.given.crds import CRDS, RELEASES, crds
from tests.given.scenarios import SCENARIOS
from tests.given.translations import Object, Translation, translations
from tests.real.clusters import KINDS

pytestmark = pytest.mark.sandbox

ISTIO = "networking.istio.io"
OWN = "sandbox"
"""The CRDs that the sandbox installs."""
NAMESPACE = "judged"
PLURALS = {kind: plural for plural, kind in KINDS.items()}
DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
THREADS = 4
PATIENCE_SECONDS = 30.0

WITHOUT_CRDS = pytest.mark.skipif(not CRDS.is_dir(), reason=f"no {CRDS}: Istio's CRDs are not part of this repository")

WRONG: dict[str, tuple[str, Object]] = {
    "NONE mode cannot set endpoints": (
        "ServiceEntry",
        {"hosts": ["a.b"], "endpoints": [{"address": "192.0.2.1"}], "resolution": "NONE"},
    ),
    "CIDR addresses are allowed only for NONE/STATIC": (
        "ServiceEntry",
        {"hosts": ["a.b"], "addresses": ["240.0.0.0/24"], "resolution": "DNS"},
    ),
    "port number cannot be duplicated": (
        "ServiceEntry",
        {"hosts": ["a.b"], "ports": [{"name": "a", "number": 80}, {"name": "b", "number": 80}], "resolution": "NONE"},
    ),
    "port must be between 1-65535": (
        "ServiceEntry",
        {"hosts": ["a.b"], "ports": [{"name": "a", "number": 65536}], "resolution": "NONE"},
    ),
    "must be a valid duration greater than 1ms": (
        "DestinationRule",
        {"host": "a.b", "trafficPolicy": {"outlierDetection": {"interval": "0s"}}},
    ),
    "spec.http[0].timeout": (
        "VirtualService",
        {"hosts": ["a.b"], "http": [{"route": [{"destination": {"host": "a.b"}}], "timeout": "0s"}]},
    ),
    "only one of credentialName or credentialNames can be set": (
        "Gateway",
        {
            "servers": [
                {
                    "hosts": ["a.b"],
                    "port": {"name": "tls", "number": 443, "protocol": "TLS"},
                    "tls": {"mode": "SIMPLE", "credentialName": "a", "credentialNames": ["a", "b"]},
                }
            ]
        },
    ),
    "unknown field": ("VirtualService", {"hots": ["a.b"]}),
}
"""What the server says → a kind and a spec. All but the last fit the structural schema."""


class Server:
    """The API server of a kubeconfig."""

    def __init__(self, kubeconfig: Path) -> None:
        config = yaml.safe_load(kubeconfig.read_text())
        cluster = config["clusters"][0]["cluster"]
        authority = base64.b64decode(cluster["certificate-authority-data"]).decode()
        self._url = cluster["server"]
        self._pool = urllib3.PoolManager(
            maxsize=THREADS,
            headers={
                "Authorization": f"Bearer {config['users'][0]['user']['token']}",
                "Content-Type": "application/json",
            },
            ssl_context=ssl.create_default_context(cadata=authority),
            retries=False,
        )

    def ask(self, method: str, path: str, body: Any = None) -> str:
        """Empty if it does as asked, else its answer."""
        answer = self._pool.request(method, self._url + path, body=None if body is None else json.dumps(body))
        return "" if answer.status < HTTPStatus.BAD_REQUEST else answer.data.decode()

    def ask_all(self, questions: Iterable[tuple[str, str, Any]]) -> list[str]:
        """The answers to what it does not do."""
        with ThreadPoolExecutor(THREADS) as threads:
            return [told for told in threads.map(lambda question: self.ask(*question), questions) if told]


class Judge:
    """Knows one release's kinds."""

    def __init__(self, server: Server, release: str) -> None:
        self._server = server
        self._group = group_of(release)

    def refusals(self, objects: Iterable[Object]) -> list[str]:
        """What the server says of each object that it would not take."""
        # several clusters and scenarios have the same ones
        distinct = {json.dumps(found): found for found in map(self._here, objects)}.values()
        query = "dryRun=All&fieldValidation=Strict"
        return self._server.ask_all(
            ("POST", f"{path_of(self._group, found['kind'])}?{query}", found) for found in distinct
        )

    def _here(self, found: Object) -> Object:
        """The object as this release's, in the namespace that there is."""
        version = found["apiVersion"].replace(ISTIO, self._group)
        return {**found, "apiVersion": version, "metadata": {**found["metadata"], "namespace": NAMESPACE}}


def group_of(release: str) -> str:
    return ISTIO if release == OWN else f"istio-{release}.example.com"


def path_of(group: str, kind: str) -> str:
    return f"/apis/{group}/v1/namespaces/{NAMESPACE}/{PLURALS[kind]}"


def definition(crd: Object, group: str) -> Object:
    """The CRD in another group. Other versions than ours would only take time."""
    versions = [version for version in crd["spec"]["versions"] if version["name"] == "v1"]
    name = f"{crd['spec']['names']['plural']}.{group}"
    return {**crd, "metadata": {"name": name}, "spec": {**crd["spec"], "group": group, "versions": versions}}


@pytest.fixture(scope="module")
def server(sandbox: Sandbox) -> Iterator[Server]:
    """With the CRDs of every release, all at once: for 2 s after a CRD is new, its objects are kept waiting."""
    found = Server(sandbox.kubeconfig_of("cluster1"))
    groups = {release: group_of(release) for release in RELEASES if CRDS.is_dir()}
    definitions = [definition(crd, group) for release, group in groups.items() for crd in crds(release)]
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}}
    assert not found.ask("POST", "/api/v1/namespaces", namespace)
    assert not found.ask_all(("POST", DEFINITIONS, crd) for crd in definitions)
    deadline = time.monotonic() + PATIENCE_SECONDS
    while told := found.ask_all(("GET", path_of(group, kind), None) for group in groups.values() for kind in PLURALS):
        assert time.monotonic() < deadline, told
        time.sleep(0.05)
    yield found
    assert not found.ask_all(("DELETE", f"{DEFINITIONS}/{crd['metadata']['name']}", None) for crd in definitions)
    assert not found.ask("DELETE", f"/api/v1/namespaces/{NAMESPACE}")


@pytest.fixture(scope="module", params=[OWN, *(pytest.param(release, marks=WITHOUT_CRDS) for release in RELEASES)])
def judge(request: pytest.FixtureRequest, server: Server) -> Judge:
    return Judge(server, request.param)


def test_every_object_of_every_scenario_is_taken(judge: Judge) -> None:
    goldens = [
        path for scenario in SCENARIOS for path in scenario.glob("*.golden.yaml") if path.stem != "outputs.golden"
    ]
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    objects = [found for path in goldens for found in yaml.load_all(path.read_text(), Loader=loader)]

    assert {found["kind"] for found in objects} == set(PLURALS)
    assert not judge.refusals(objects)


@given(translations)
@settings(max_examples=10)
def test_every_object_of_a_generated_spec_is_taken(judge: Judge, translation: Translation) -> None:
    assert not judge.refusals(found for _, found in translation.everything)


def test_what_breaks_a_rule_is_refused(judge: Judge) -> None:
    for told, (kind, spec) in WRONG.items():
        wrong = {"apiVersion": f"{ISTIO}/v1", "kind": kind, "metadata": {"name": "wrong"}, "spec": spec}

        (refusal,) = judge.refusals([wrong])

        assert told in refusal
