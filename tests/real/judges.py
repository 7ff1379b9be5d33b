"""Who really decides: an API server with the definitions of a release, and istiod's validation.

Both are asked about many objects at once, and store none of them.
"""

import base64
import json
import re
import ssl
import subprocess
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http import HTTPStatus
from pathlib import Path
from typing import Any

import urllib3
import yaml
from mesh_federation.mesh.istio.kinds import BY_NAME

from sandbox import tools
from sandbox.clusters import Sandbox
from sandbox.istio_releases import MODULES, definitions

Object = dict[str, Any]

NAMESPACE = "judged"
_DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
_THREADS = 4
_PATIENCE_SECONDS = 120.0


class ApiServer:
    """The API server of a cluster, with the definitions of every release at once.

    Each release is an API group of its own. A definition that did not change since an older release is in that one's.
    """

    def __init__(self, sandbox: Sandbox, cluster: str) -> None:
        config = yaml.safe_load(Path(sandbox.kubeconfig_of(cluster)).read_text())
        address = config["clusters"][0]["cluster"]
        authority = base64.b64decode(address["certificate-authority-data"]).decode()
        self._url = address["server"]
        self._pool = urllib3.PoolManager(
            maxsize=_THREADS,
            headers={
                "Authorization": f"Bearer {config['users'][0]['user']['token']}",
                "Content-Type": "application/json",
            },
            ssl_context=ssl.create_default_context(cadata=authority),
            retries=False,
        )
        self._installed: dict[str, Object] = {}
        self._groups: dict[tuple[str, str], str] = {}
        for release in MODULES:
            for crd in definitions(release):
                content = json.dumps(_without_descriptions(crd["spec"]))
                definition = self._installed.setdefault(content, _definition(crd, release))
                self._groups[crd["spec"]["names"]["kind"], release] = definition["spec"]["group"]
        self._answers: dict[str, str] = {}

    def refusals(self, objects: Sequence[Object], release: str) -> list[str]:
        """What it says of each object, in the same order; empty text if it takes it."""
        here = [self._in_release(manifest, release) for manifest in objects]
        bodies = [json.dumps(manifest) for manifest in here]
        # several scenarios have the same objects, and several releases the same definitions
        new = {body: manifest for body, manifest in zip(bodies, here, strict=True) if body not in self._answers}
        query = "?dryRun=All&fieldValidation=Strict"
        answers = self._ask_all(("POST", _path(manifest) + query, body) for body, manifest in new.items())
        self._answers |= zip(new, answers, strict=True)
        return [self._answers[body] for body in bodies]

    @contextmanager
    def with_releases(self) -> Iterator["ApiServer"]:
        """Installed all at once: for 2 s after a definition is new, its objects are kept waiting."""
        definitions = self._installed.values()
        namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}}
        self._must(("POST", "/api/v1/namespaces", json.dumps(namespace)))
        self._must(*(("POST", _DEFINITIONS, json.dumps(definition)) for definition in definitions))
        self._wait_until_served()
        yield self
        names = [definition["metadata"]["name"] for definition in definitions]
        self._must(*(("DELETE", f"{_DEFINITIONS}/{name}", "") for name in names))
        self._must(("DELETE", f"/api/v1/namespaces/{NAMESPACE}", ""))

    def _wait_until_served(self) -> None:
        questions = [
            ("GET", _path({"apiVersion": f"{group}/v1", "kind": kind}), "")
            for (kind, _release), group in self._groups.items()
        ]
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while any(answers := self._ask_all(questions)):
            assert time.monotonic() < deadline, answers
            time.sleep(0.05)

    def _in_release(self, manifest: Object, release: str) -> Object:
        """The object as that release's, in the namespace that there is; definitions cannot see a namespace."""
        group = self._groups.get((manifest["kind"], release))
        version = f"{group}/v1" if group else manifest["apiVersion"]
        return {**manifest, "apiVersion": version, "metadata": {**manifest["metadata"], "namespace": NAMESPACE}}

    def _must(self, *questions: tuple[str, str, str]) -> None:
        refusals = [answer for answer in self._ask_all(questions) if answer]
        assert not refusals, refusals

    def _ask_all(self, questions: Iterable[tuple[str, str, str]]) -> list[str]:
        with ThreadPoolExecutor(_THREADS) as threads:
            return list(threads.map(lambda question: self._ask(*question), questions))

    def _ask(self, method: str, path: str, body: str) -> str:
        """Its complaint; empty if it does as asked."""
        answer = self._pool.request(method, self._url + path, body=body or None)
        if answer.status < HTTPStatus.BAD_REQUEST:
            return ""
        return _message(answer.data)


def _path(manifest: Object) -> str:
    root = "apis" if "/" in manifest["apiVersion"] else "api"
    return f"/{root}/{manifest['apiVersion']}/namespaces/{NAMESPACE}/{BY_NAME[manifest['kind']].plural}"


def _definition(crd: Mapping[str, Any], release: str) -> Object:
    """The definition in the release's group. Other versions than ours would only take time."""
    group = f"istio-{release}.example.com"
    versions = [{**version, "storage": True} for version in crd["spec"]["versions"] if version["name"] == "v1"]
    name = f"{crd['spec']['names']['plural']}.{group}"
    return {**crd, "metadata": {"name": name}, "spec": {**crd["spec"], "group": group, "versions": versions}}


def _without_descriptions(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            key: _without_descriptions(item)
            for key, item in value.items()
            if not isinstance(item, str) or key != "description"
        }
    return [*map(_without_descriptions, value)] if isinstance(value, list) else value


def refusals_of_istiod(objects: Sequence[Object], folder: Path) -> list[str]:
    """What its validation says of each object, in the same order; empty text if it takes it."""
    file = folder / "objects.yaml"
    file.write_text("\n---\n".join(json.dumps(_numbered(manifest, index)) for index, manifest in enumerate(objects)))
    command = [str(tools.program(tools.ISTIO, "istioctl")), "validate", "-f", str(file)]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    _warnings, _, errors = run.stderr.partition("Error: ")
    assert bool(run.returncode) == bool(errors), run.stderr
    answers = [""] * len(objects)
    for complaint in _COMPLAINT.finditer(errors):
        answers[int(complaint["index"])] += complaint["text"] + "\n"
    return answers


_COMPLAINT = re.compile(r"\* \w+/[^/]*/[^/]*?-n(?P<index>[0-9]+):\s*(?P<text>.*)")
"""A line of istioctl's answer; objects are told apart by the numbers at the end of their names."""


def _numbered(manifest: Object, index: int) -> Object:
    metadata = {"namespace": NAMESPACE, **manifest["metadata"]}
    return {
        **manifest,
        "metadata": {**metadata, "name": f"{metadata['name']}-n{index}"},
        "spec": _pruned(manifest["spec"]),
    }


def _pruned(value: Any) -> Any:
    """Without the nulls that stand for a field: istiod sees an object as an API server has stored it."""
    if isinstance(value, dict):
        return {key: _pruned(item) for key, item in value.items() if item is not None}
    return [_pruned(item) for item in value] if isinstance(value, list) else value


def _message(answer: bytes) -> str:
    """What a server says of a refusal; a path that it does not serve yet is refused in plain text."""
    try:
        return str(json.loads(answer)["message"])
    except ValueError:
        return answer.decode()
