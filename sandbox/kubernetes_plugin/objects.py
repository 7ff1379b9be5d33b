"""Kubernetes objects as plain dicts: identity, annotations, and the one shape in which they are compared."""

import base64
import binascii
import hashlib
import secrets
from dataclasses import dataclass
from typing import Any

from .values import UNKNOWN, Properties, has_unknown

AUTONAMED = "pulumi.com/autonamed"
_READ_ONLY = (
    "creationTimestamp",
    "deletionGracePeriodSeconds",
    "deletionTimestamp",
    "generation",
    "managedFields",
    "resourceVersion",
    "uid",
)
_BUILT_IN_GROUPS = frozenset({"", "apps", "autoscaling", "batch", "extensions", "policy"})
_BUILT_IN_SUFFIXES = (
    "admissionregistration.k8s.io",
    "apiextensions.k8s.io",
    "apiregistration.k8s.io",
    "authentication.k8s.io",
    "authorization.k8s.io",
    "certificates.k8s.io",
    "coordination.k8s.io",
    "discovery.k8s.io",
    "events.k8s.io",
    "flowcontrol.apiserver.k8s.io",
    "networking.k8s.io",
    "node.k8s.io",
    "rbac.authorization.k8s.io",
    "resource.k8s.io",
    "scheduling.k8s.io",
    "storage.k8s.io",
)
_CLUSTER_WIDE = frozenset(
    """
    APIService CSIDriver CSINode CertificateSigningRequest ClusterRole ClusterRoleBinding ClusterTrustBundle
    ComponentStatus CustomResourceDefinition DeviceClass FlowSchema IPAddress IngressClass
    MutatingAdmissionPolicy MutatingAdmissionPolicyBinding MutatingWebhookConfiguration Namespace Node
    PersistentVolume PodSecurityPolicy PriorityClass PriorityLevelConfiguration ResourceSlice RuntimeClass
    SelfSubjectAccessReview SelfSubjectReview SelfSubjectRulesReview ServiceCIDR StorageClass
    SubjectAccessReview TokenReview ValidatingAdmissionPolicy ValidatingAdmissionPolicyBinding
    ValidatingWebhookConfiguration VolumeAttachment VolumeAttributesClass
    """.split()  # noqa: SIM905 - names, not a program
)


@dataclass(frozen=True, slots=True)
class Kind:
    """What the API server finds a resource path by."""

    group: str
    version: str
    kind: str

    @property
    def api_version(self) -> str:
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def built_in(self) -> bool:
        return self.group in _BUILT_IN_GROUPS or self.group in _BUILT_IN_SUFFIXES

    @property
    def namespaced(self) -> bool | None:
        """None if only the API server knows."""
        return self.kind not in _CLUSTER_WIDE if self.built_in else None


def kind_of(obj: Properties) -> Kind:
    group, _, version = text(obj, "apiVersion").rpartition("/")
    return Kind("" if group == "core" else group, version, text(obj, "kind"))


def kind_in(urn: str) -> Kind:
    """The kind that a URN's type token names: `kubernetes:<group>/<version>:<Kind>`."""
    token = urn.split("::")[2].rpartition("$")[2]
    package, _, rest = token.partition(":")
    module, _, kind = rest.rpartition(":")
    group, slash, version = module.partition("/")
    if package != "kubernetes":
        raise ValueError(f"unrecognized resource type: {token!r} for this provider")
    if not slash or "/" in version:
        raise ValueError(f'apiVersion does not have both a group and a version: "{module}"')
    return Kind("" if group == "core" else group, version, kind)


def text(obj: Any, *path: str) -> str:
    """The string at a path; empty if there is none, or one that is not known yet."""
    for key in path:
        obj = obj.get(key) if isinstance(obj, dict) else None
    return obj if isinstance(obj, str) else ""


def name_of(obj: Properties) -> str:
    return text(obj, "metadata", "name")


def namespace_of(obj: Properties) -> str:
    return text(obj, "metadata", "namespace")


def annotation(obj: Properties, key: str) -> str:
    return text(obj, "metadata", "annotations", key)


def identifier(obj: Properties) -> str:
    """`namespace/name`, which is also the id under which Pulumi remembers and imports the object."""
    return f"{namespace_of(obj)}/{name_of(obj)}".removeprefix("/")


def set_metadata(obj: Properties, key: str, value: str) -> None:
    """Empty means absent."""
    metadata = obj.setdefault("metadata", {})
    if not isinstance(metadata, dict):
        return
    if value:
        metadata[key] = value
    else:
        metadata.pop(key, None)


def is_crd(obj: Properties) -> bool:
    kind = kind_of(obj)
    return kind.group == "apiextensions.k8s.io" and kind.kind == "CustomResourceDefinition"


def is_named(obj: Properties) -> bool:
    """True as well if only the update will tell the name."""
    metadata = obj.get("metadata")
    return bool(name_of(obj)) or (isinstance(metadata, dict) and metadata.get("name") is UNKNOWN)


def is_autonamed(obj: Properties) -> bool:
    return annotation(obj, AUTONAMED) == "true"


def give_name(obj: Properties, name: str) -> None:
    """Name an object whose program gave it none, and say in an annotation that its name may change."""
    set_metadata(obj, "name", name)
    metadata = obj["metadata"]
    if isinstance(metadata, dict) and isinstance(metadata.setdefault("annotations", {}), dict):
        metadata["annotations"][AUTONAMED] = "true"


def new_name(urn: str, seed: bytes) -> str:
    """The same name for the same seed, so that preview and update agree."""
    suffix = hashlib.sha256(seed).hexdigest()[:8] if seed else secrets.token_hex(4)
    return f"{urn.split('::', 3)[3]}-{suffix}"


def normalized(obj: Properties) -> Properties:
    """`obj` as the API server would write the same thing; changes it in place.

    The official plugin sends every built-in kind through its Go type. Here Secrets and CRDs are treated, the
    kinds where a difference would otherwise be seen for ever.
    """
    if not has_unknown(obj):
        if kind_of(obj) == Kind("", "v1", "Secret"):
            _normalize_secret(obj)
        elif is_crd(obj):
            obj.pop("status", None)
            if isinstance(obj.get("spec"), dict) and obj["spec"].get("preserveUnknownFields") is False:
                del obj["spec"]["preserveUnknownFields"]
    metadata = obj.get("metadata")
    if isinstance(metadata, dict):
        for key in _READ_ONLY:
            metadata.pop(key, None)
    return obj


def _normalize_secret(obj: Properties) -> None:
    data = obj.get("data")
    plain_texts = obj.get("stringData")
    if isinstance(plain_texts, dict) and plain_texts:
        encoded = {key: base64.b64encode(str(value).encode()).decode() for key, value in plain_texts.items()}
        obj["data"] = {**(data if isinstance(data, dict) else {}), **encoded}
        del obj["stringData"]
    elif isinstance(data, dict):
        obj["data"] = {key: _encoded_again(value) for key, value in data.items()}


def _encoded_again(value: Any) -> Any:
    """The API server drops white space in base64; what is not base64 it refuses itself."""
    try:
        return base64.b64encode(base64.b64decode(value)).decode() if isinstance(value, str) else value
    except binascii.Error:
        return value


def as_written(live: Properties) -> Properties:
    """What a program might have said to get this built-in object: its inputs when it is imported."""
    inputs = normalized({key: value for key, value in live.items() if key != "status"})
    annotations = inputs["metadata"].get("annotations", {})
    for key in ("deployment.kubernetes.io/revision", "kubectl.kubernetes.io/last-applied-configuration"):
        annotations.pop(key, None)
    return inputs


def pruned(live: Any, shape: Any) -> Any:
    """The part of `live` that has a counterpart in `shape`: its fields, and as many list items."""
    if isinstance(live, dict) and isinstance(shape, dict):
        return {key: pruned(value, shape[key]) for key, value in live.items() if key in shape}
    if isinstance(live, list) and isinstance(shape, list):
        if live and shape and type(live[0]) is not type(shape[0]):
            return live
        return [pruned(value, wanted) for value, wanted in zip(live, shape, strict=False)]
    return live
