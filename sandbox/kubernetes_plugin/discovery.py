"""Which kinds an API server has, and under which path: two requests for all of them.

The `kubernetes` library's own discovery asks once for every group and keeps the answers in a file under /tmp.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from .objects import Kind
from .values import Properties


@dataclass(frozen=True, slots=True)
class Resource:
    """A kind's place in the API."""

    plural: str
    namespaced: bool


class NoMatchError(Exception):
    """The API server has no such kind; a CRD may be missing."""

    def __init__(self, kind: Kind) -> None:
        super().__init__(f'no matches for kind "{kind.kind}" in version "{kind.api_version}"')


def resources(answers: Iterable[Properties]) -> Mapping[Kind, Resource]:
    """Read APIGroupDiscoveryLists."""
    return {
        Kind(group.get("metadata", {}).get("name", ""), version["version"], resource["responseKind"]["kind"]): Resource(
            plural=resource["resource"],
            namespaced=resource["scope"] == "Namespaced",
        )
        for answer in answers
        for group in answer.get("items", ())
        for version in group["versions"]
        for resource in version.get("resources", ())
        if resource.get("responseKind", {}).get("kind")
    }
