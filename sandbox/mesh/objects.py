"""Kubernetes objects of a bed: written to a cluster's API server, and what its controllers would write about them."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import urllib3
from kubernetes.client import ApiClient
from kubernetes.config import new_client_from_config

Object = Mapping[str, Any]
_MANAGER = "mesh-sandbox"


class ObjectError(RuntimeError):
    """The API server refused; says what, in its own words."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class Objects:
    """The objects of one cluster. Threads may share it."""

    def __init__(self, kubeconfig: Path) -> None:
        self._client: ApiClient = new_client_from_config(str(kubeconfig))  # type: ignore[no-untyped-call]

    def apply(self, *objects: Object) -> None:
        """Make each of them exist as stated; what has a status gets it, as from a kubelet or a controller."""
        for item in objects:
            path = _path(item, name=True)
            query = f"fieldManager={_MANAGER}&force=true"
            kind = "application/apply-patch+yaml"
            self._request("PATCH", f"{path}?{query}", item, kind)
            if "status" in item:
                self._request("PATCH", f"{path}/status?{query}", item, kind)

    def delete(self, *objects: Object) -> None:
        """Make each of them not exist."""
        for item in objects:
            try:
                # nobody is there whose consent a pod's end would have to wait for
                self._request("DELETE", _path(item, name=True), {"gracePeriodSeconds": 0})
            except ObjectError as error:
                if error.status != 404:
                    raise

    def all(self, version: str, kind: str) -> list[Any]:
        """Every object of an API version and kind, in all namespaces."""
        items: list[Any] = self._request("GET", _path({"apiVersion": version, "kind": kind}))["items"]
        return items

    def token(self, namespace: str, account: str, audience: str) -> str:
        """A token of the service account, as a kubelet would fetch it for a pod."""
        path = f"/api/v1/namespaces/{namespace}/serviceaccounts/{account}/token"
        spec = {"audiences": [audience], "expirationSeconds": 24 * 3600}
        request = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": spec}
        return str(self._request("POST", path, request)["status"]["token"])

    def _request(self, method: str, path: str, body: Any = None, kind: str = "application/json") -> Any:
        headers = {"Content-Type": kind, "Accept": "application/json"}
        self._client.update_params_for_auth(headers, [], ["BearerToken"], path, method, body)
        answer: urllib3.BaseHTTPResponse = self._client.rest_client.pool_manager.request(
            method,
            self._client.configuration.host + path,
            body=None if body is None else json.dumps(body).encode(),
            headers=headers,
            timeout=30.0,
        )
        document = json.loads(answer.data)
        if answer.status >= 400:
            raise ObjectError(answer.status, f"{method} {path}: {document.get('message', document)}")
        return document


def _path(item: Object, *, name: bool = False) -> str:
    version = item["apiVersion"]
    metadata = item.get("metadata", {})
    root = f"/apis/{version}" if "/" in version else f"/api/{version}"
    scope = f"/namespaces/{metadata['namespace']}" if "namespace" in metadata else ""
    return f"{root}{scope}/{_plural(item['kind'])}" + (f"/{metadata['name']}" if name else "")


def _plural(kind: str) -> str:
    word = kind.lower()
    if word.endswith("y") and word[-2] not in "aeiou":
        return word[:-1] + "ies"
    return word + "s"
