"""What an entry of `http` says to no effect: it is right for Istio, and no call is treated otherwise for it."""

from collections.abc import Iterator, Mapping
from typing import Any

from ..errors import Path, Problem
from ..istio.parts import inner, is_set, is_stated, messages, text
from ..istio.regex import missing_group
from ..istio.values import quoted
from ..spec.rule import HttpEntry
from ..unknown import as_late, known
from .saying import each


def without_effect(path: Path, entry: HttpEntry) -> Iterator[Problem]:
    yield from each(
        useless_fault(path, entry),
        useless_mirrors(path, entry),
        copies_nothing(path, entry),
        useless_beside_an_answer(path, entry),
        path_without_a_slash(path, entry),
        rewrite_without_a_slash(path, entry),
        useless_rewrite(path, entry),
    )


def useless_fault(path: Path, entry: HttpEntry) -> Iterator[Problem]:
    """Istio's default share of both is none of the calls."""
    fault = inner(as_late(entry.istio), "fault")
    abort, delay = inner(fault, "abort"), inner(fault, "delay")
    has_abort, has_delay = (isinstance(fault.get(field), dict) for field in ("abort", "delay"))
    if has_abort and not (is_set(abort, "httpStatus") or is_set(abort, "grpcStatus")):
        yield _useless_fault((*path, "fault", "abort"), "ends no call without a status; state `httpStatus`")
    elif has_abort and not _has_share(abort):
        message = "ends no call without a percentage; write `percentage: {value: 100}` for every call"
        yield _useless_fault((*path, "fault", "abort"), message)
    if has_delay and not is_set(delay, "fixedDelay"):
        yield _useless_fault((*path, "fault", "delay"), "delays no call without a time; state `fixedDelay`")
    elif has_delay and not (_has_share(delay) or is_set(delay, "percent")):
        message = "delays no call without a percentage; write `percentage: {value: 100}` for every call"
        yield _useless_fault((*path, "fault", "delay"), message)


def _useless_fault(path: Path, message: str) -> Problem:
    return Problem(path, "useless-fault", f"{path[-1]!r} {message}", "warning")


def _has_share(fault: Mapping[str, Any]) -> bool:
    """Whether a share is stated; who states 0 means it."""
    percentage = as_late(fault.get("percentage"))
    return is_stated(percentage, "value") if isinstance(percentage, dict) else percentage is not None


def useless_mirrors(path: Path, entry: HttpEntry) -> Iterator[Problem]:
    if entry.mirrors and (answer := _answer(entry)):
        message = f"'mirrors' get no copy of a call that {answer!r} answers; leave them out"
        yield Problem((*path, "mirrors"), "useless-mirrors", message, "warning")


def copies_nothing(path: Path, entry: HttpEntry) -> Iterator[Problem]:
    """Istio takes a percentage without a value for 0."""
    for index, mirror in known(entry.mirrors):
        percentage = as_late(mirror.percentage)
        if isinstance(percentage, dict) and not is_stated(percentage, "value"):
            message = "'percentage' has no value, so no call is copied; state `value`, or take the key out"
            yield Problem((*path, "mirrors", index, "percentage"), "copies-nothing", message, "warning")


def useless_beside_an_answer(path: Path, entry: HttpEntry) -> Iterator[Problem]:
    for field in ("timeout", "retries"):
        if is_stated(entry.istio, field) and (answer := _answer(entry)):
            message = f"{field!r} is for calls that go on, and {answer!r} answers them; leave it out"
            yield Problem((*path, field), "useless-beside-an-answer", message, "warning")


def _answer(entry: HttpEntry) -> str | None:
    """What answers the calls instead of a destination."""
    return next((field for field in ("redirect", "directResponse") if is_stated(entry.istio, field)), None)


def path_without_a_slash(path: Path, entry: HttpEntry) -> Iterator[Problem]:
    for index, match in messages({"match": as_late(entry.match)}, "match"):
        for kind in ("exact", "prefix"):
            stated = text(inner(match, "uri"), kind)
            # `*` is the path of an OPTIONS call for the server as a whole
            if stated and not stated.startswith("/") and stated != "*":
                yield _without_a_slash((*path, "match", index, "uri", kind), stated)


def rewrite_without_a_slash(path: Path, entry: HttpEntry) -> Iterator[Problem]:
    stated = text(inner(as_late(entry.istio), "rewrite"), "uri")
    if stated and not stated.startswith("/"):
        yield _without_a_slash((*path, "rewrite", "uri"), stated)


def _without_a_slash(path: Path, stated: str) -> Problem:
    message = f"{stated!r} is not the beginning of a path; write {'/' + stated!r}"
    return Problem(path, "path-without-a-slash", message, "warning")


def useless_rewrite(path: Path, entry: HttpEntry) -> Iterator[Problem]:
    """RE2 then leaves the path as it is."""
    rewrite = inner(inner(as_late(entry.istio), "rewrite"), "uriRegexRewrite")
    pattern = text(rewrite, "match")
    # what is missing is told by itself
    if pattern and (group := missing_group(pattern, text(rewrite, "rewrite"))):
        message = f"{quoted(group)} is not a group of {quoted(pattern)}, so no path is rewritten; name one that it has"
        yield Problem((*path, "rewrite", "uriRegexRewrite", "rewrite"), "useless-rewrite", message, "warning")
