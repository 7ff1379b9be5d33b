"""Which properties cannot change in place: a change there deletes the object and makes it again."""

from collections.abc import Sequence
from typing import Any

from .objects import Kind

_SELECTOR = ("spec.selector",)
_JOB = ("spec.completions", "spec.parallelism", "spec.selector", "spec.template")
_STATEFUL_SET = (
    "spec.podManagementPolicy",
    "spec.revisionHistoryLimit",
    "spec.selector",
    "spec.serviceName",
    "spec.volumeClaimTemplates",
)
_VOLUME_SOURCES = """
    awsElasticBlockStore azureDisk azureFile cephfs cinder csi fc flexVolume flocker gcePersistentDisk glusterfs
    hostPath iscsi local nfs photonPersistentDisk portworxVolume quobyte rbd scaleIO storageos vsphereVolume
""".split()  # noqa: SIM905 - names, not a program
_POD = """
    affinity automountServiceAccountToken dnsConfig dnsPolicy enableServiceLinks hostAliases hostIPC hostNetwork hostPID
    hostname imagePullSecrets nodeName nodeSelector overhead preemptionPolicy priority priorityClassName readinessGates
    restartPolicy runtimeClassName schedulerName securityContext serviceAccount serviceAccountName shareProcessNamespace
    subdomain terminationGracePeriodSeconds volumes
""".split()  # noqa: SIM905 - names, not a program
_CONTAINER = """
    args command env image imagePullPolicy lifecycle livenessProbe ports readinessProbe resources securityContext stdin
    stdinOnce terminationMessagePath terminationMessagePolicy tty volumeDevices volumeMounts workingDir
""".split()  # noqa: SIM905 - names, not a program

_ALWAYS = ("metadata.name", "metadata.namespace")
_BY_KIND: dict[tuple[str, str], tuple[str, ...]] = {
    ("", "ConfigMap"): ("binaryData", "data"),
    ("", "PersistentVolume"): tuple(f"spec.{source}" for source in _VOLUME_SOURCES),
    ("", "PersistentVolumeClaim"): ("spec.accessModes", "spec.selector", "spec.storageClassName", "spec.volumeName"),
    ("", "Pod"): (
        *(f"spec.{field}" for field in _POD),
        *(f"spec.{group}.*.{field}" for group in ("containers", "initContainers") for field in _CONTAINER),
    ),
    ("", "ResourceQuota"): ("spec.scopes",),
    ("", "Secret"): ("type", "stringData", "data"),
    ("", "Service"): ("spec.clusterIP",),
    ("apps", "DaemonSet"): _SELECTOR,
    ("apps", "Deployment"): _SELECTOR,
    ("apps", "StatefulSet"): _STATEFUL_SET,
    ("batch", "Job"): _JOB,
    ("rbac.authorization.k8s.io", "ClusterRoleBinding"): ("roleRef",),
    ("rbac.authorization.k8s.io", "RoleBinding"): ("roleRef",),
    ("storage.k8s.io", "StorageClass"): ("parameters", "provisioner"),
}


def immutable(kind: Kind, *, mutable_data: bool) -> list[str]:
    """`mutable_data` is for ConfigMaps and Secrets, whose data Pulumi does not change in place by default."""
    fields = _BY_KIND.get((kind.group, kind.kind), ()) if kind.version == "v1" else ()
    return [*_ALWAYS, *(field for field in fields if not (mutable_data and field.lower().endswith("data")))]


def forces_replacement(patterns: Sequence[str], path: Sequence[str | int], value: Any) -> bool:
    """True if a change at `path` to `value` touches such a property, lies in one or brings one with it."""
    return any(_touches(pattern.split("."), path, value) for pattern in patterns)


def _touches(pattern: Sequence[str], path: Sequence[str | int], value: Any) -> bool:
    for wanted, step in zip(pattern, path, strict=False):
        if step != wanted and not (wanted == "*" and isinstance(step, int)):
            return False
    return _has(value, pattern[len(path) :])


def _has(value: Any, pattern: Sequence[str]) -> bool:
    if not pattern:
        return True
    if pattern[0] == "*":
        return isinstance(value, list) and any(_has(item, pattern[1:]) for item in value)
    return isinstance(value, dict) and pattern[0] in value and _has(value[pattern[0]], pattern[1:])
