"""Istio's own words in a rule, held against the schema and the webhook of each release on which they land."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from difflib import get_close_matches
from typing import Any

from ..errors import Path, Problem
from ..istio import envoy, schema
from ..istio import rules as webhook
from ..istio.durations import nanoseconds
from ..istio.kinds import VIRTUAL_SERVICE
from ..istio.parts import any_is_late, messages, texts
from ..istio.releases import RELEASES
from ..spec.federation import Federation
from ..spec.rule import Destination, HttpEntry, Mirror, Rule, TcpEntry, TlsEntry
from ..spec.values import PROTOCOLS_OF
from ..unknown import Unknown, UnknownError, as_late, is_known, known
from ..wording import shown
from .no_effect import without_effect
from .saying import References, choices, each, istio_versions

_KIND = VIRTUAL_SERVICE.name
_OURS = {
    "delegate": "is for VirtualServices of your own; state the entries here",
    "mirror": "is an older word of Istio's; write `mirrors: [{cluster, version, percentage}]`",
    "mirrorPercentage": "is an older word of Istio's; write `mirrors: [{cluster, version, percentage}]`",
    "mirror_percent": "is an older word of Istio's; write `mirrors: [{cluster, version, percentage}]`",
    "mirrorPercent": "is an older word of Istio's; write `mirrors: [{cluster, version, percentage}]`",
}
"""Istio's fields that would speak past the federation → what to write instead."""


_OF_THE_WHOLE = {"needs-a-gateway", "not-a-host", "not-one-of-the-hosts", "stated-twice"}
"""Names of problems between the parts of a VirtualService."""


def istios_words(path: Path, rule: Rule, references: References) -> Iterator[Problem]:
    yield from each(refused_as_a_whole(path, rule, references), no_server_name_there(path, rule, references))
    releases = _releases(rule, references.federation)
    yield from each(*(_words_of_kind((*path, kind), kind, rule, releases) for kind in PROTOCOLS_OF))


def _words_of_kind(path: Path, kind: str, rule: Rule, releases: Mapping[str, tuple[str, bool]]) -> Iterator[Problem]:
    for index, entry in known(getattr(rule, kind)):
        here = (*path, index)
        yield from each(refused_by_istio(here, kind, entry, releases))
        if isinstance(entry, HttpEntry):
            yield from each(
                istios_word_for_ours(here, entry),
                header_set_twice(here, entry),
                timeout_too_short(here, entry),
                rewrite_without_path(here, entry),
                without_effect(here, entry),
            )


def _releases(rule: Rule, federation: Federation) -> Mapping[str, tuple[str, bool]]:
    """Release → a client cluster that may run it, and whether the cluster states it. The newest comes first."""
    clusters: dict[str, tuple[str, bool]] = {}
    for client, version in istio_versions(federation, _clients(rule)).items():
        for release in (version,) if version else RELEASES:
            clusters.setdefault(release, (client, version is not None))
    # where nobody knows the clients, what every release refuses can still be told
    return dict(sorted(clusters.items(), key=lambda item: -RELEASES.index(item[0]))) or {RELEASES[-1]: ("", False)}


def _clients(rule: Rule) -> list[str]:
    """Those that can be read."""
    with suppress(UnknownError):
        return [client for _, client in known(rule.clients.clusters)]
    return []


def refused_by_istio(
    path: Path, kind: str, entry: HttpEntry | TcpEntry | TlsEntry, releases: Mapping[str, tuple[str, bool]]
) -> Iterator[Problem]:
    """What Istio's schema, its CEL rules, its webhook or Envoy would refuse, and what an older release would drop."""
    fragment = as_late(_as_istio_has_it(entry))
    reported: set[Path] = set()
    for release, (cluster, is_stated) in releases.items():
        for problem in schema.problems(fragment, _KIND, release, (kind, 0), path):
            if problem.path not in reported:
                yield _as_ours(_for_cluster(problem, release, cluster, is_stated=is_stated), path, kind)
            reported.add(problem.path)
    for problem in (*webhook.problems(fragment, _KIND, (kind, 0), path), *envoy.problems(fragment, path)):
        if problem.path not in reported:
            yield problem


def refused_as_a_whole(path: Path, rule: Rule, references: References) -> Iterator[Problem]:
    """What Istio's webhook would refuse between the parts of the VirtualServices that the rule becomes."""
    stated = [rule.hosts] if isinstance(rule.hosts, Unknown) else rule.hosts
    spec = {
        "gateways": rule.clients if isinstance(rule.clients, Unknown) else rule.clients.gateways,
        # `stated` keeps the rule's indices
        "hosts": [*stated, *_own_hosts(rule, references)],
        **{kind: _readable(getattr(rule, kind)) for kind in PROTOCOLS_OF},
    }
    for problem in webhook.problems(as_late(spec), _KIND, (), path):
        if problem.name in _OF_THE_WHOLE:
            yield _of_the_service(problem, path, rule) if _names_an_own_host(problem.path, path, stated) else problem


def _names_an_own_host(place: Path, path: Path, stated: Any) -> bool:
    """Whether a problem is that of a name behind those that the rule states."""
    match place[len(path) :]:
        case ("hosts", int(index)):
            return index >= len(stated)
    return False


def _of_the_service(problem: Problem, path: Path, rule: Rule) -> Problem:
    message = f"of the names of {rule.service!r}, {problem.message}"
    return problem._replace(path=(*path, "service"), message=message)


def _readable(entries: Sequence[HttpEntry | TcpEntry | TlsEntry]) -> list[dict[str, Any]]:
    """As Istio has them, at their indices."""
    if isinstance(entries, Unknown):
        return []
    return [{} if isinstance(entry, Unknown) else _as_istio_has_it(entry) for entry in entries]


def _own_hosts(rule: Rule, references: References) -> list[Any]:
    """The names that the service has on the client clusters, beside those that the rule states."""
    try:
        by_client = _own_hosts_by_client(rule, references)
        if not by_client.keys() >= {*rule.clients.clusters}:
            # a cluster, or a service, that does not exist is told by itself
            return [Unknown((), encrypted=False)]
        own = {host for hosts in by_client.values() for host in hosts}
        return sorted(own - set(rule.hosts))
    except UnknownError as error:
        return [Unknown(error.path, encrypted=False)]


def _own_hosts_by_client(rule: Rule, references: References) -> dict[str, list[str]]:
    federation, service = references.federation, references.service(rule.service)
    clients = [client for client in rule.clients.clusters if client in federation.clusters]
    return {client: federation.own_hosts_of(service, client) for client in clients} if service else {}


def no_server_name_there(path: Path, rule: Rule, references: References) -> Iterator[Problem]:
    """An entry that would be left without a server name on one of its client clusters."""
    by_client = {client: {*rule.hosts, *own} for client, own in _own_hosts_by_client(rule, references).items()}
    everywhere = set().union(*by_client.values())
    for index, entry in known(rule.tls):
        matches = [match for _, match in messages({"match": as_late(entry.match)}, "match")]
        if any(any_is_late(match, "sniHosts") for match in matches):
            continue
        # names that no cluster has are refused by themselves
        names = {name for match in matches for _, name in texts(match, "sniHosts")} & everywhere
        for client, hosts in by_client.items():
            if names and not names & hosts:
                message = f"{rule.service} on {client} has no name {choices(names)!r}; it has {choices(hosts)}"
                yield Problem((*path, "tls", index), "no-server-name-there", message)


def _as_ours(problem: Problem, path: Path, kind: str) -> Problem:
    """A field that nobody knows may be a misspelt key of ours."""
    if problem.name == "unknown-field" and problem.path[len(path) :: 2] == ("route", "headers"):
        # the destinations of `http` alone have headers, so `kind` is another
        keys = sorted(Destination.model_fields.keys() - {"headers"})
        message = f"'headers' is for http alone; a destination of {kind} takes {', '.join(keys)}"
        return problem._replace(name="unknown-key", message=message)
    if problem.name != "unknown-field" or len(problem.path) != len(path) + 1:
        return problem
    key = str(problem.path[-1])
    keys = sorted({*schema.fields(_KIND, RELEASES[-1], (kind, 0)), *HttpEntry.model_fields} - _OURS.keys())
    nearest = get_close_matches(key, keys, n=1)
    hint = f"did you mean {nearest[0]!r}? " if nearest else ""
    return problem._replace(name="unknown-key", message=f"{key!r} is not a known key; {hint}it takes {', '.join(keys)}")


def _for_cluster(problem: Problem, release: str, cluster: str, *, is_stated: bool) -> Problem:
    if problem.name not in ("field-of-a-later-release", "value-of-a-later-release"):
        return problem
    if is_stated:
        return problem._replace(message=f"{problem.message}, and {cluster} runs {release}")
    return problem._replace(message=f"{problem.message}; state `istio.version` of {cluster} if it runs that or later")


def _as_istio_has_it(entry: HttpEntry | TcpEntry | TlsEntry) -> dict[str, Any]:
    """The entry with the user's own paths; instead of our destinations, some that Istio takes."""
    match = _stated("match", entry.match)
    route = [_ANY] if isinstance(entry.route, Unknown) else [_destination(stated) for stated in entry.route]
    if not isinstance(entry, HttpEntry):
        return {**match, "route": route}
    # without `delegate`, the entry would lack a route
    istio = {field: value for field, value in entry.istio.items() if field not in _OURS or field == "delegate"}
    mirrors = [] if isinstance(entry.mirrors, Unknown) else [_mirror(stated) for stated in entry.mirrors]
    return {
        **istio,
        **match,
        **_stated("name", entry.name),
        **({"route": route} if route else {}),
        **({"mirrors": mirrors} if mirrors else {}),
    }


_ANYBODY = {"destination": {"host": "any"}}
_ANY = {**_ANYBODY, "weight": 1}


def _destination(destination: Destination | Unknown) -> dict[str, Any]:
    return _ANY if isinstance(destination, Unknown) else {**_ANY, **_stated("headers", destination.headers)}


def _mirror(mirror: Mirror | Unknown) -> dict[str, Any]:
    return _ANYBODY if isinstance(mirror, Unknown) else {**_ANYBODY, **_stated("percentage", mirror.percentage)}


def _stated(field: str, value: Any) -> dict[str, Any]:
    return {} if value is None else {field: value}


def istios_word_for_ours(path: Path, entry: HttpEntry) -> Iterator[Problem]:
    for field in entry.istio:
        if field in _OURS:
            yield Problem((*path, field), "istios-word-for-ours", f"{field!r} {_OURS[field]}")


def header_set_twice(path: Path, entry: HttpEntry) -> Iterator[Problem]:
    """Which of the two wins changes with the number of destinations (istiod's route builder)."""
    rewrite = entry.istio.get("rewrite")
    sets_the_host = isinstance(rewrite, dict) and rewrite.get("authority") is not None
    at_the_entry = {
        *((direction, operation, _header(name)) for direction, operation, name in _headers(entry.istio.get("headers"))),
        *([("request", "set", _HOST)] if sets_the_host else []),
    }
    for index, destination in known(entry.route):
        for direction, operation, name in _headers(destination.headers):
            others = {other for way, other, header in at_the_entry if (way, header) == (direction, _header(name))}
            # what is removed twice is gone, whichever comes first
            if others - ({"remove"} if operation == "remove" else set()):
                place = (*path, "route", index, "headers", direction, operation)
                message = f"{name!r} is changed by the entry, too; change it in one place"
                yield Problem(place, "header-set-twice", message)


_HOST = "host"


def _header(name: str) -> str:
    """One word for a header, however it is written."""
    return _HOST if name.lower() == ":authority" else name.lower()


def _headers(headers: Any) -> Iterator[tuple[str, str, str]]:
    """Direction, operation and name, as the user wrote it."""
    for direction in ("request", "response"):
        operations = headers.get(direction) if isinstance(headers, dict) else None
        for operation in ("set", "add", "remove"):
            names = operations.get(operation) if isinstance(operations, dict) else None
            for name in names if isinstance(names, dict | list) else ():
                if isinstance(name, str):  # or it is late
                    yield direction, operation, name


def timeout_too_short(path: Path, entry: HttpEntry) -> Iterator[Problem]:
    """The timeout holds for all attempts together."""
    retries = entry.istio.get("retries")
    if not isinstance(retries, dict):
        return
    timeout, per_try = _duration(entry.istio.get("timeout")), _duration(retries.get("perTryTimeout"))
    # Istio refuses a time for attempts of which there are none
    attempts = retries.get("attempts")
    if timeout and per_try and attempts and isinstance(attempts, int) and per_try * (attempts + 1) > timeout:
        message = (
            f"{entry.istio['timeout']!r} ends a call before its {attempts + 1} attempts of "
            f"{retries['perTryTimeout']!r} each; make it longer, or the attempts fewer"
        )
        yield Problem((*path, "timeout"), "timeout-too-short", message, "warning")


def _duration(value: Any) -> int:
    return (nanoseconds(value) or 0) if isinstance(value, str) else 0


def rewrite_without_path(path: Path, entry: HttpEntry) -> Iterator[Problem]:
    """A rewritten prefix replaces what `match` has found; without it, the whole path."""
    rewrite = entry.istio.get("rewrite")
    uri = rewrite.get("uri") if isinstance(rewrite, dict) else None
    matches: Sequence[Any] = (isinstance(entry.match, list) and entry.match) or [{}]
    if uri and is_known(entry.match) and not all(isinstance(match, dict) and match.get("uri") for match in matches):
        message = f"{shown(uri)} replaces the path that a match on `uri` finds; not every match has one"
        yield Problem((*path, "rewrite", "uri"), "rewrite-without-path", message, "warning")
