"""Refuses two federations in one program that make the same object.

Across programs, the API server refuses the second.
"""

from collections.abc import Iterable, Iterator
from typing import Any
from weakref import WeakKeyDictionary

import pulumi
from pulumi_kubernetes import Provider

from .mesh.manifest import Manifest

_Identity = tuple[str, str, str]


class Claims:
    """What the federations of this program make under one provider, object by object."""

    def __init__(self) -> None:
        self.refusal = ""
        """Why a federation that makes objects here cannot be built."""
        self._maker_of: dict[_Identity, str] = {}

    def claim(self, federation: str, manifests: Iterable[Manifest]) -> Iterator[tuple[Manifest, str]]:
        """Objects that another federation makes already, with its name; all others are this one's from now on."""
        for manifest in manifests:
            maker = self._maker_of.setdefault((manifest.kind, manifest.namespace, manifest.name), federation)
            if maker != federation:
                yield manifest, maker


_claims: WeakKeyDictionary[Provider, Claims] = WeakKeyDictionary()


def claims_under(provider: Provider) -> Claims:
    """The claims of the whole program, not those of one federation."""
    return _claims.setdefault(provider, Claims())


def undisputed(claims: Iterable[Claims]) -> pulumi.Output[Any]:
    """An output that fails with the refusal, if there is one.

    Pulumi registers resources only after the whole program has run, unless the program waits for something before.
    This output fails if any federation was refused by then, so whatever depends on it is never registered.
    """

    def check(_: None) -> None:
        for claim in claims:
            if claim.refusal:
                raise pulumi.RunError(claim.refusal)

    return pulumi.Output.from_input(None).apply(check)
