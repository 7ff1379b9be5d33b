"""How the clusters are reached. Taken off what the user states, before the mesh's own part of it is read."""

from collections.abc import Collection, Hashable, Iterator, Mapping
from posixpath import normpath
from typing import Annotated, Any, NamedTuple, TypeVar

from pydantic import Field

from .errors import Path, Problem
from .names import DEFAULT_ROOT_NAMESPACE
from .reading import Reading
from .spec.part import Part
from .spec.values import Text
from .stack_file import is_kubeconfig
from .unknown import Unknown, as_far_as_known
from .wording import joined, step_of

T = TypeVar("T")


class Reach(Part):
    """How a cluster's API server is reached, in a stack file: exactly one of `context`, `kubeconfig`, `renderTo`."""

    context: Text | None = None
    """A context of your kubeconfig."""
    kubeconfig: Annotated[Any, Field(repr=False)] = None
    """The content of a kubeconfig, encrypted; or the path of a file."""
    render_to: Text | None = None
    """A directory: the cluster's objects are written there, and no API server is called."""
    identity: Text | None = None
    """Who the cluster is, whatever kubeconfig leads to it; its name by default. A new one replaces every object."""


class Split(NamedTuple):
    """What a stack file says, in two."""

    mesh: dict[str, Any]
    """The spec, without how clusters are reached."""
    reach: dict[str, Reach]
    problems: tuple[Problem, ...]
    """What is wrong with how clusters are reached."""


def split(data: Mapping[str, Any]) -> Split:
    """Takes context, kubeconfig, renderTo and identity off every cluster; a provider, too, which is for programs."""
    keys = {key for name, field in Reach.model_fields.items() for key in (name, field.alias or name)}
    mesh, taken = split_by_keys(data, {*keys, "provider"})
    reading = Reading()
    reach = {
        name: reading.part(Reach, {key: value for key, value in own.items() if key in keys}, ("clusters", name))
        for name, own in taken.items()
    }
    return Split(mesh, reach, (*reading.problems, *_problems(mesh, reach)))


def split_by_keys(data: Mapping[str, Any], keys: Collection[str]) -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
    """The data without these keys of its clusters; and cluster → what it says under them. No cluster is left out.

    What is no mapping stays as it is, for whoever reads it.
    """
    clusters = data.get("clusters")
    if not isinstance(clusters, Mapping):
        return dict(data), {}
    rest: dict[Any, Any] = {}
    taken: dict[str, dict[str, Any]] = {}
    for name, cluster in clusters.items():
        rest[name] = cluster
        if isinstance(cluster, Mapping):
            rest[name] = {key: value for key, value in cluster.items() if key not in keys}
            taken[step_of(name)] = {key: value for key, value in cluster.items() if key in keys}
    return {**data, "clusters": rest}, taken


def _problems(mesh: Mapping[str, Any], reach: Mapping[str, Reach]) -> Iterator[Problem]:
    for name, cluster in reach.items():
        yield from as_far_as_known(not_one_way(("clusters", name), cluster))
        yield from not_a_kubeconfig(("clusters", name, "kubeconfig"), cluster)
    identities = {name: name if cluster.identity is None else cluster.identity for name, cluster in reach.items()}
    yield from shared_identity(_usable(identities))
    yield from shared_cluster(mesh, _usable({name: cluster.context for name, cluster in reach.items()}), "context")
    files = {name: _file(cluster.kubeconfig) for name, cluster in reach.items()}
    yield from shared_cluster(mesh, _usable(files), "kubeconfig")
    yield from shared_directory(_usable({name: cluster.render_to for name, cluster in reach.items()}))


def _file(kubeconfig: Any) -> str | None:
    """Its path; None for what is no file, or is not known."""
    return kubeconfig if isinstance(kubeconfig, str) and not is_kubeconfig(kubeconfig) else None


def _usable(values: Mapping[str, T | None]) -> dict[str, T]:
    return {name: value for name, value in values.items() if value is not None and not isinstance(value, Unknown)}


def not_one_way(path: Path, reach: Reach) -> Iterator[Problem]:
    ways = [
        key
        for key, way in (("context", reach.context), ("kubeconfig", reach.kubeconfig), ("renderTo", reach.render_to))
        if way is not None
    ]
    if len(ways) != 1:
        message = f"{path[-1]!r} needs exactly one of context, kubeconfig, renderTo; it has {joined(ways) or 'none'}"
        yield Problem(path, "not-one-way", message)


def not_a_kubeconfig(path: Path, reach: Reach) -> Iterator[Problem]:
    """The value may be secret: the message does not show it."""
    if reach.kubeconfig is not None and not isinstance(reach.kubeconfig, str | Mapping | Unknown):
        yield Problem(path, "not-a-kubeconfig", "is neither the content of a kubeconfig nor the path of one")


def shared_identity(identities: Mapping[str, str]) -> Iterator[Problem]:
    owners: dict[str, str] = {}
    for name, identity in identities.items():
        if (owner := owners.setdefault(identity, name)) != name:
            message = f"{identity!r} is also the identity of {owner}; each cluster has its own"
            yield Problem(("clusters", name, "identity"), "shared-identity", message)


def shared_directory(directories: Mapping[str, str]) -> Iterator[Problem]:
    """Objects of one kind and name would be one file."""
    owners: dict[str, str] = {}
    for name, directory in directories.items():
        if (owner := owners.setdefault(normpath(directory), name)) != name:
            message = f"{directory!r} is also the directory of {owner}; each cluster has its own"
            yield Problem(("clusters", name, "renderTo"), "shared-directory", message)


def shared_cluster(mesh: Mapping[str, Any], places: Mapping[str, Hashable], key: str) -> Iterator[Problem]:
    """Two meshes may live in one Kubernetes cluster if their root namespaces differ, and so their services."""
    owners: dict[Hashable, list[str]] = {}
    for name, place in places.items():
        for owner in owners.setdefault(place, []):
            path = ("clusters", name, key)
            what = f"{place!r} is" if isinstance(place, str) else "is"
            if _root_namespace(mesh, name) == _root_namespace(mesh, owner):
                message = f"{what} also the {key} of {owner}; two meshes in one cluster need two `istio.namespace`"
                yield Problem(path, "shared-cluster", message)
                continue
            for index, service in enumerate(_entries(mesh.get("services"))):
                if {name, owner} <= _keys(service, "clusters"):
                    message = f"{name!r} and {owner!r} are one Kubernetes cluster; a Service there belongs to one mesh"
                    yield Problem(("services", index, "clusters", name), "shared-cluster", message)
            yield from _shared_by_rules(mesh, name, owner)
        owners[place].append(name)


def _shared_by_rules(mesh: Mapping[str, Any], name: str, owner: str) -> Iterator[Problem]:
    """What a rule makes for its callers has the service's own name and namespace, in either mesh."""
    running = {
        f"{service.get('name')}.{service.get('namespace')}": _keys(service, "clusters")
        for service in _entries(mesh.get("services"))
        if isinstance(service, Mapping)
    }
    for index, rule in enumerate(_entries(mesh.get("traffic"))):
        reference = rule.get("service") if isinstance(rule, Mapping) else None
        places = running.get(str(reference), set())
        called_from = set(_clients(rule))
        both = {name, owner}
        if both & called_from and both <= places | called_from and not both <= places:
            message = (
                f"{name!r} and {owner!r} are one Kubernetes cluster; objects for {reference} there would belong to "
                "both meshes, so use `importedBy` for callers in the other one"
            )
            yield Problem(("traffic", index, "clients", "clusters"), "shared-cluster", message)


def _clients(rule: Any) -> list[str]:
    clients = rule.get("clients") if isinstance(rule, Mapping) else None
    stated = clients.get("clusters") if isinstance(clients, Mapping) else None
    return [name for name in _entries(stated) if isinstance(name, str)]


def _root_namespace(mesh: Mapping[str, Any], cluster: str) -> Any:
    entry = mesh["clusters"].get(cluster)
    istio = entry.get("istio") if isinstance(entry, Mapping) else None
    stated = istio if isinstance(istio, Mapping) else {}
    return stated.get("namespace", DEFAULT_ROOT_NAMESPACE)


def _entries(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else []


def _keys(part: Any, key: str) -> set[Any]:
    value = part.get(key) if isinstance(part, Mapping) else None
    return set(value) if isinstance(value, Mapping) else set()
