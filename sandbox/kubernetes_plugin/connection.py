"""From settings to a cluster, or to the reason why there is none: an unreachable cluster is no error by itself."""

from dataclasses import dataclass

from .cluster import ApiError, Cluster, UnreachableError
from .kubeconfig import Kubeconfig, KubeconfigError, ambient, parse
from .pace import Pace
from .settings import Settings


@dataclass(frozen=True, slots=True)
class Connection:
    """`cluster` is None if it does not answer; `unreachable` then says why."""

    cluster: Cluster | None
    unreachable: str
    namespace: str
    """Where namespaced objects go that do not say so."""


def connect(settings: Settings) -> Connection:
    namespace = settings.namespace
    try:
        data = parse(settings.kubeconfig) if settings.kubeconfig else ambient()
    except KubeconfigError as error:
        return Connection(
            None, f"failed to parse kubeconfig data in `kubernetes:config:kubeconfig`- {error}", namespace
        )
    kubeconfig = Kubeconfig(data, settings.context, settings.cluster)
    namespace = namespace or kubeconfig.namespace or ("" if settings.kubeconfig else "default")
    try:
        cluster = Cluster(kubeconfig, Pace(settings.requests_per_second, settings.burst), settings.timeout)
    except KubeconfigError as error:
        return Connection(
            None,
            "unable to load Kubernetes client configuration from kubeconfig file. Make sure you have: \n\n"
            " \t • set up the provider as per "
            f"https://www.pulumi.com/registry/packages/kubernetes/installation-configuration/ \n\n {error}",
            namespace,
        )
    try:
        cluster.discover()
    except (ApiError, UnreachableError) as error:
        return Connection(None, f"unable to load schema information from the API server: {error}", namespace)
    return Connection(cluster, "", namespace)
