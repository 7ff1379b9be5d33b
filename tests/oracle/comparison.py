"""What an outcome is said to be, word by word, against what it is."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from tests.oracle.calls import Outcome
from tests.oracle.envoy import Answer
from tests.oracle.inventory import Inventory
from tests.oracle.routes import DEFAULT_RETRIES, Retries, seconds
from tests.oracle.world import End

Stated = Mapping[str, Any]


def compare(
    inventory: Inventory, stated: Stated, outcome: Outcome, tolerance: float, down: frozenset[str] = frozenset()
) -> Iterator[str]:
    """A line for each thing that is stated and not so. `tolerance`: of shares, in percent; `down`: pods' addresses."""
    for word, value in stated.items():
        if word in {"destinations", "mirrors"}:
            wanted = [
                (_end(inventory, destination, down), float(destination.get("share", 100))) for destination in value
            ]
            lines = _ends(wanted, outcome.ends if word == "destinations" else outcome.mirrors, tolerance)
        elif word == "lost":
            lines = _lost(value, outcome, tolerance)
        else:
            lines = _WORDS[word](value, outcome)
        yield from (f"{word}: {line}" for line in lines)
    for destination in stated.get("destinations", ()):
        yield from _messages(destination, outcome, _end(inventory, destination, down))
    if "destinations" in stated and "entry" not in stated:
        yield from _entry("", outcome)


def _ends(stated: Sequence[tuple[End, float]], actual: Mapping[End, float], tolerance: float) -> Iterator[str]:
    wanted: dict[End, float] = {}
    for end, share in stated:
        wanted[end] = wanted.get(end, 0.0) + share
    for end in {**wanted, **actual}:
        share, due = actual.get(end, 0.0), wanted.get(end, 0.0)
        if abs(share - due) > tolerance:
            yield f"{_text(end)} gets {share:.2f} % instead of {due:.2f} %"


def _end(inventory: Inventory, destination: Stated, down: frozenset[str]) -> End:
    cluster, service = destination["cluster"], destination["service"]
    presence = inventory.presence(service, cluster)
    pods = inventory.pods_of(cluster, service, destination.get("version")) - down
    return End(cluster, service, f"{presence.name}.{presence.namespace}", int(destination["port"]), pods)


def _messages(destination: Stated, outcome: Outcome, end: End) -> Iterator[str]:
    """A destination's name there, the request as it arrived, and the answer as it came from there."""
    if "as" in destination and end.local_name != destination["as"]:
        yield f"as: {_text(end)} is {end.local_name!r} there instead of {destination['as']!r}"
    answer = outcome.answers.get(end)
    seen, answered = destination.get("seen", {}), destination.get("answer", {})
    if answer is None:
        yield from (f"{word}: {_text(end)} gets no HTTP request" for word in ("seen", "answer") if word in destination)
        return
    arrived = {key: seen[key] for key in ("path", "host") if key in seen}
    yield from (f"seen: {line}" for line in _differing(arrived, answer.arrived))
    yield from (f"seen: {line}" for line in _headers(seen, answer.arrived["headers"]))
    yield from (f"answer: {line}" for line in _headers(answered, answer.headers))


def _headers(stated: Stated, actual: Mapping[str, str]) -> Iterator[str]:
    yield from _differing(stated.get("headers", {}), actual)
    for name in stated.get("without", ()):
        if name.lower() in actual:
            yield f"{name} is {actual[name.lower()]!r} instead of absent"


def _lost(share: float, outcome: Outcome, tolerance: float) -> Iterator[str]:
    if abs(outcome.lost_share - share) > tolerance:
        yield f"{outcome.lost_share:.2f} % instead of {share:.2f} %"


def _entry(name: str, outcome: Outcome) -> Iterator[str]:
    actual = outcome.route.name if outcome.route else ""
    # istiod adds the name of a match
    if actual != name and not actual.startswith(f"{name}."):
        yield f"{actual!r} takes the request instead of {name!r}"


def _timeout(stated: str, outcome: Outcome) -> Iterator[str]:
    actual = outcome.route.timeout if outcome.route else None
    if actual != (None if stated == "none" else seconds(stated)):
        yield f"{actual} s instead of {stated}"


def _retries(stated: str | Stated, outcome: Outcome) -> Iterator[str]:
    actual = outcome.route.retries if outcome.route else Retries(0, frozenset(), frozenset(), None)
    if stated == "default":
        yield from () if actual == DEFAULT_RETRIES else (f"{actual} instead of Istio's own",)
    elif stated == "none":
        yield from () if not actual.attempts else (f"{actual} instead of none",)
    elif isinstance(stated, Mapping):
        yield from _differing(stated, _as_istio_says(actual))


def _as_istio_says(retries: Retries) -> dict[str, Any]:
    return {
        "attempts": retries.attempts,
        "retryOn": ",".join([*retries.conditions, *map(str, retries.codes)]),
        "perTryTimeout": retries.per_try_seconds,
    }


def _fault(stated: str | Mapping[str, Stated], outcome: Outcome) -> Iterator[str]:
    actual = outcome.route.faults if outcome.route else {}
    if isinstance(stated, Mapping):
        yield from (line for kind, part in stated.items() for line in _differing(part, actual.get(kind, {})))
    else:
        yield from (f"{kind} {part} instead of none" for kind, part in actual.items() if part["share"])


def _status(status: int, outcome: Outcome) -> Iterator[str]:
    actual = _status_of(outcome.own_answer, status) if outcome.own_answer else None
    if actual != status:
        yield f"{actual or 'the answer of a destination'} instead of {status}"


_GRPC_STATUS_OF = {400: 13, 401: 16, 403: 7, 404: 12, 429: 14, 502: 14, 503: 14, 504: 14}
"""Status of HTTP → what Envoy answers to a call of gRPC in its place; 2 for others."""


def _status_of(answer: Answer, stated: int) -> int:
    """The status of an answer: the stated one, where gRPC has another word for it."""
    grpc_status = answer.headers.get("grpc-status")
    return stated if grpc_status == str(_GRPC_STATUS_OF.get(stated, 2)) else answer.status


def _own_answer(stated: Stated, outcome: Outcome) -> Iterator[str]:
    """A redirect, a direct response, or the answer to a preflight: status, location, body and headers."""
    answer = outcome.own_answer
    if answer is None:
        yield "the caller's proxy does not answer itself"
        return
    status = _status_of(answer, stated["status"]) if "status" in stated else None
    whole = {"status": status, "body": answer.body, "location": answer.headers.get("location")}
    yield from _differing({key: value for key, value in stated.items() if key in whole}, whole)
    yield from _headers(stated, answer.headers)


def _closed(due: object, outcome: Outcome) -> Iterator[str]:
    if outcome.is_closed != bool(due):
        yield f"{outcome.is_closed} instead of {due}"


def _seen(stated: Stated, outcome: Outcome) -> Iterator[str]:
    """An application's own TLS passes as it is, and its server name with it."""
    if outcome.server_name != stated["sni"]:
        yield f"{outcome.server_name!r} instead of {stated['sni']!r}"


_WORDS: dict[str, Callable[[Any, Outcome], Iterator[str]]] = {
    "entry": _entry,
    "timeout": _timeout,
    "retries": _retries,
    "fault": _fault,
    "status": _status,
    "redirect": _own_answer,
    "direct": _own_answer,
    "preflight": _own_answer,
    "closed": _closed,
    "seen": _seen,
}


def _differing(stated: Stated, actual: Stated) -> Iterator[str]:
    for key, due in stated.items():
        value = actual.get(key, actual.get(key.lower()))
        if _comparable(key, value) != _comparable(key, due):
            yield f"{key} is {json.dumps(value)} instead of {json.dumps(due)}"


def _comparable(key: str, value: Any) -> Any:
    """Durations, lists of conditions and numbers are the same however they are written."""
    if key in {"fixedDelay", "perTryTimeout"} and isinstance(value, str):
        return seconds(value)
    if key == "retryOn" and isinstance(value, str):
        return {*value.split(",")} - {"retriable-status-codes"}  # Istio adds it to a code
    return float(value) if isinstance(value, int | float) else str(value)


def _text(end: End) -> str:
    return f"{end.service}:{end.port} on {end.cluster} ({', '.join(sorted(end.pods)) or 'no pod'})"
