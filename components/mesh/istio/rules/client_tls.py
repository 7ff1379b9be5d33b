"""ClientTLSSettings: which certificates a caller shows, and which it takes."""

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

from ...errors import Problem
from ..parts import is_set, text
from ..values import quoted
from .tree import Rules

_CONFIG_MAP = "configmap://"
_FILES = ("clientCertificate", "privateKey", "caCertificates", "caCrl")


def _not_verified(tls: Mapping[str, Any]) -> Iterator[Problem]:
    if tls.get("insecureSkipVerify") is not True or tls.get("mode") not in ("SIMPLE", "MUTUAL"):
        return
    simple = ("credentialName",) if tls["mode"] == "SIMPLE" else ()
    for field in filter(partial(is_set, tls), ("caCertificates", *simple, "subjectAltNames")):
        message = f"'{field}' stands beside 'insecureSkipVerify', which verifies nothing; use one of them"
        yield Problem((field,), "one-of", message)


def _credential_beside_files(tls: Mapping[str, Any]) -> Iterator[Problem]:
    if tls.get("mode") in ("SIMPLE", "MUTUAL") and is_set(tls, "credentialName"):
        for field in _FILES:
            if is_set(tls, field):
                message = f"'{field}' stands beside 'credentialName'; use one of them"
                yield Problem((field,), "one-of", message)


def _no_certificate(tls: Mapping[str, Any]) -> Iterator[Problem]:
    if tls.get("mode") == "MUTUAL" and not is_set(tls, "credentialName"):
        for field in ("clientCertificate", "privateKey"):
            if not is_set(tls, field):
                message = f"'{field}' is missing; mode MUTUAL needs it, or 'credentialName'"
                yield Problem((field,), "missing-field", message)


def _half_a_config_map(tls: Mapping[str, Any]) -> Iterator[Problem]:
    name = text(tls, "credentialName")
    if name.startswith(_CONFIG_MAP):
        namespace, _, rest = name.removeprefix(_CONFIG_MAP).partition("/")
        if not namespace or not rest.partition("/")[0]:
            message = f"{quoted(name)} is not the name of a ConfigMap; write {_CONFIG_MAP}<namespace>/<name>"
            yield Problem(("credentialName",), "not-a-config-map", message)


def config_map_elsewhere(tls: Mapping[str, Any], namespace: str) -> Iterator[Problem]:
    """A ConfigMap in another namespace than the object's."""
    name = text(tls, "credentialName")
    other, slash, _ = name.removeprefix(_CONFIG_MAP).partition("/")
    if name.startswith(_CONFIG_MAP) and slash and other and other != namespace:
        message = f"{quoted(name)} is in another namespace than the object; it should be in {namespace}"
        yield Problem(("credentialName",), "not-a-config-map", message)


CLIENT_TLS = Rules((_not_verified, _credential_beside_files, _no_certificate, _half_a_config_map))
