"""HTTP to one API server, as a kubeconfig says: who it is, and who asks."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import urllib3

from .kubeconfig import Kubeconfig, KubeconfigError

_CONNECTIONS = 64
_PLAIN = {
    "server",
    "certificate-authority",
    "insecure-skip-tls-verify",
    "tls-server-name",
    "client-certificate",
    "client-key",
    "token",
}
_PROXIES = ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy")

# whoever wrote `insecure-skip-tls-verify` has been warned
urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)


@dataclass(frozen=True, slots=True)
class Transport:
    """Safe to use from many threads at once."""

    host: str
    pool: urllib3.PoolManager
    credentials: Callable[[], Mapping[str, str]]
    """The headers that say who asks; they may be others after a while."""


def transport(kubeconfig: Kubeconfig) -> Transport:
    """Raises `KubeconfigError`."""
    cluster, user = kubeconfig.usable()
    if cluster.keys() | user.keys() <= _PLAIN and not any(map(os.environ.get, _PROXIES)):
        return _plain(cluster, user)
    return _by_the_library(cluster, user)


def _plain(cluster: Mapping[str, Any], user: Mapping[str, Any]) -> Transport:
    """Certificates and tokens; the `kubernetes` library takes longer to load than a small update runs."""
    name = cluster.get("tls-server-name")
    pool = urllib3.PoolManager(
        maxsize=_CONNECTIONS,
        cert_reqs="CERT_NONE" if cluster.get("insecure-skip-tls-verify") else "CERT_REQUIRED",
        ca_certs=cluster.get("certificate-authority"),
        cert_file=user.get("client-certificate"),
        key_file=user.get("client-key"),
        server_hostname=name,
        assert_hostname=name,
    )
    headers = {"Authorization": f"Bearer {user['token']}"} if user.get("token") else {}
    return Transport(str(cluster.get("server", "http://localhost")).rstrip("/"), pool, lambda: headers)


def _by_the_library(cluster: Mapping[str, Any], user: Mapping[str, Any]) -> Transport:
    """Programs that print a token, providers of identities, proxies."""
    from kubernetes.client import ApiClient, Configuration
    from kubernetes.config import ConfigException, load_kube_config_from_dict

    configuration = Configuration()
    configuration.connection_pool_maxsize = _CONNECTIONS
    kubeconfig = {
        "current-context": "active",
        "contexts": [{"name": "active", "context": {"cluster": "active", "user": "active"}}],
        "clusters": [{"name": "active", "cluster": cluster}],
        "users": [{"name": "active", "user": user}],
    }
    try:
        load_kube_config_from_dict(  # type: ignore[no-untyped-call]  # the library's own choice
            kubeconfig, client_configuration=configuration
        )
    except ConfigException as error:
        raise KubeconfigError(str(error)) from None
    client = ApiClient(configuration)

    def credentials() -> Mapping[str, str]:
        headers: dict[str, str] = {}
        client.update_params_for_auth(headers, [], ["BearerToken"], "", "", None)
        return headers

    return Transport(str(configuration.host), client.rest_client.pool_manager, credentials)
