"""One Kubernetes API server: requests by kind and name, its errors as exceptions."""

import json
import threading
import time
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote, urlencode

import urllib3

from .discovery import NoMatchError, Resource, resources
from .kubeconfig import Kubeconfig
from .objects import Kind, kind_of, name_of, namespace_of
from .pace import Pace
from .transport import transport
from .values import Properties

_CONNECT_SECONDS = 10.0
_ANSWER_SECONDS = 60.0
_REDISCOVER_SECONDS = 0.5
_TRIES_WHEN_BUSY = 10


class ApiError(Exception):
    """The API server's refusal, in its own words."""

    def __init__(self, code: int, message: str, reason: str = "", kind: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.reason = reason
        self.kind = kind
        """What the refusal is about, for example `namespaces` when an object's namespace does not exist."""


class UnreachableError(Exception):
    """No answer from the API server."""


class Cluster:
    """Speaks for one kubeconfig context; safe to use from many threads at once."""

    def __init__(self, kubeconfig: Kubeconfig, pace: Pace, timeout: float | None) -> None:
        self._transport = transport(kubeconfig)
        self._pace = pace
        self._timeout = urllib3.Timeout(connect=_CONNECT_SECONDS, read=timeout or _ANSWER_SECONDS)
        self._resources: Mapping[Kind, Resource] = {}
        self._discovered = 0.0
        self._discovering = threading.Lock()

    def discover(self) -> None:
        """Ask for every kind there is; the first question to a cluster, and so the test that it answers."""
        answers = [
            self._request("GET", path, accept="application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList")
            for path in ("/api", "/apis")
        ]
        self._resources = resources(answers)
        self._discovered = time.monotonic()

    def resource(self, kind: Kind) -> Resource:
        """Where objects of a kind live; asks again if the kind is new, for its CRD may be."""
        if kind not in self._resources:
            with self._discovering:
                if time.monotonic() - self._discovered > _REDISCOVER_SECONDS:
                    self.discover()
        try:
            return self._resources[kind]
        except KeyError:
            raise NoMatchError(kind) from None

    def knows(self, kind: Kind) -> bool:
        try:
            self.resource(kind)
        except (NoMatchError, ApiError, UnreachableError):
            return False
        return True

    def namespaced(self, kind: Kind) -> bool:
        """A kind that nobody knows may be one whose CRD comes later; most of those are namespaced."""
        resource = self._resources.get(kind)
        return resource.namespaced if resource else kind.namespaced is not False

    def get(self, obj: Properties, name: str = "") -> Properties:
        return self._request("GET", self._path(obj, name or name_of(obj)))

    def create(self, obj: Properties, *, manager: str, dry_run: bool) -> Properties:
        query = {"fieldManager": manager, **_dry(dry_run)}
        return self._request("POST", self._path(obj), query, obj)

    def replace(self, obj: Properties, *, manager: str, dry_run: bool) -> Properties:
        query = {"fieldManager": manager, **_dry(dry_run)}
        return self._request("PUT", self._path(obj, name_of(obj)), query, obj)

    def apply(self, obj: Properties, *, manager: str, force: bool, dry_run: bool) -> Properties:
        query = {"fieldManager": manager, "force": str(force).lower(), **_dry(dry_run)}
        return self._request(
            "PATCH", self._path(obj, name_of(obj)), query, obj, content_type="application/apply-patch+yaml"
        )

    def patch(self, obj: Properties, operations: Sequence[Mapping[str, Any]]) -> Properties:
        return self._request(
            "PATCH", self._path(obj, name_of(obj)), {}, operations, content_type="application/json-patch+json"
        )

    def delete(self, obj: Properties, *, name: str, propagation: str) -> None:
        self._request("DELETE", self._path(obj, name), {}, {"propagationPolicy": propagation})

    def _path(self, obj: Properties, name: str = "") -> str:
        kind = kind_of(obj)
        resource = self.resource(kind)
        root = f"/apis/{kind.group}/{kind.version}" if kind.group else f"/api/{kind.version}"
        scope = f"/namespaces/{quote(namespace_of(obj) or 'default', safe='')}" if resource.namespaced else ""
        return f"{root}{scope}/{resource.plural}" + (f"/{quote(name, safe='')}" if name else "")

    def _request(  # noqa: PLR0913 - one HTTP request has these parts
        self,
        method: str,
        path: str,
        query: Mapping[str, str] | None = None,
        body: Any = None,
        *,
        content_type: str = "application/json",
        accept: str = "application/json",
    ) -> Properties:
        headers = {
            "Accept": accept,
            "Content-Type": content_type,
            "User-Agent": "pulumi-kubernetes-stand-in",
            **self._transport.credentials(),
        }
        url = self._transport.host + path + (f"?{urlencode(query)}" if query else "")
        content = None if body is None else json.dumps(body).encode()
        for tries_left in reversed(range(_TRIES_WHEN_BUSY)):
            self._pace.wait()
            answer = self._send(method, url, headers, content)
            if answer.status != 429 or not tries_left:
                break
            time.sleep(float(answer.headers.get("Retry-After", "1")))
        if answer.status >= 400:
            raise _refusal(answer.status, answer.data)
        result: Properties = json.loads(answer.data)
        return result

    def _send(self, method: str, url: str, headers: dict[str, str], content: bytes | None) -> urllib3.BaseHTTPResponse:
        try:
            return self._transport.pool.request(
                method, url, body=content, headers=headers, timeout=self._timeout, retries=False
            )
        except urllib3.exceptions.HTTPError as error:
            raise UnreachableError(f'{method.title()} "{url}": {error}') from None


def _dry(dry_run: bool) -> dict[str, str]:  # noqa: FBT001 - private, called in one way
    return {"dryRun": "All"} if dry_run else {}


def _refusal(code: int, body: bytes) -> ApiError:
    try:
        status = json.loads(body)
        details = status.get("details") or {}
        return ApiError(code, status["message"], status.get("reason", ""), details.get("kind", ""))
    except (ValueError, KeyError, AttributeError):
        return ApiError(code, body.decode(errors="replace").strip() or f"the server answered {code}")
