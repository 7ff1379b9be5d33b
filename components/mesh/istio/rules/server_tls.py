"""ServerTLSSettings: what a Gateway or a Sidecar shows to callers."""

from collections.abc import Iterator, Mapping
from typing import Any

from ...errors import Problem
from ..parts import is_set, messages
from .tree import Rules

_OWN = ("serverCertificate", "privateKey", "caCertificates", "tlsCertificates", "credentialName", "credentialNames")
_WITH_CERTIFICATE = ("SIMPLE", "MUTUAL", "OPTIONAL_MUTUAL")
_WITH_CLIENTS = ("MUTUAL", "OPTIONAL_MUTUAL")


def _has_credential(tls: Mapping[str, Any]) -> bool:
    return is_set(tls, "credentialName") or is_set(tls, "credentialNames")


def _certificates_of_the_mesh(tls: Mapping[str, Any]) -> Iterator[Problem]:
    if tls.get("mode") == "ISTIO_MUTUAL":
        for field in _OWN:
            if is_set(tls, field):
                message = f"'{field}' stands beside mode ISTIO_MUTUAL, which has its own; leave it out"
                yield Problem((field,), "one-of", message)


def _two_sources(tls: Mapping[str, Any]) -> Iterator[Problem]:
    """Other pairs than those that the schema refuses."""
    if tls.get("mode") == "ISTIO_MUTUAL":
        return
    has_files = is_set(tls, "serverCertificate") and is_set(tls, "privateKey")
    first = "serverCertificate" if has_files else "credentialName"
    others = ("credentialName", "credentialNames", "tlsCertificates") if has_files else ("tlsCertificates",)
    for field in others:
        if is_set(tls, first) and is_set(tls, field):
            message = f"'{field}' stands beside '{first}'; use one source of certificates"
            yield Problem((field,), "one-of", message)


def _no_certificate(tls: Mapping[str, Any]) -> Iterator[Problem]:
    mode = tls.get("mode")
    if mode not in _WITH_CERTIFICATE or _has_credential(tls):
        return
    if mode in _WITH_CLIENTS and not is_set(tls, "caCertificates"):
        message = f"'caCertificates' is missing; mode {mode} needs it, or 'credentialName'"
        yield Problem(("caCertificates",), "missing-field", message)
    if not is_set(tls, "tlsCertificates"):
        yield from _half_a_certificate(tls)
    for index, certificate in messages(tls, "tlsCertificates"):
        for problem in _half_a_certificate(certificate):
            yield problem._replace(path=("tlsCertificates", index, *problem.path))


def _half_a_certificate(part: Mapping[str, Any]) -> Iterator[Problem]:
    for field in ("serverCertificate", "privateKey"):
        if not is_set(part, field):
            message = f"'{field}' is missing; state both files, or 'credentialName'"
            yield Problem((field,), "missing-field", message)


def _revocations(tls: Mapping[str, Any]) -> Iterator[Problem]:
    """A list of revoked certificates, where nobody's certificate is asked for, or where the secret has it."""
    mode = tls.get("mode")
    if not is_set(tls, "caCrl") or mode == "ISTIO_MUTUAL" or (mode in _WITH_CERTIFICATE and _has_credential(tls)):
        return
    if mode == "SIMPLE":
        yield Problem(("caCrl",), "one-of", "'caCrl' stands beside mode SIMPLE, which asks nobody; use MUTUAL")
    if is_set(tls, "credentialName"):
        yield Problem(("caCrl",), "one-of", "'caCrl' stands beside 'credentialName'; put the list into the secret")


SERVER_TLS = Rules((_certificates_of_the_mesh, _two_sources, _no_certificate, _revocations))
