"""exportTo: the namespaces that see an object."""

from collections.abc import Iterator, Mapping
from typing import Any

from ...errors import Problem
from ..parts import is_stated, texts
from ..values import quoted
from .hosts import is_label


def not_exported(spec: Mapping[str, Any], namespace: str, *, to_nobody: bool = False) -> Iterator[Problem]:
    """What istiod refuses in `exportTo`; only a ServiceEntry may be exported `to_nobody`. Paths begin at the object."""
    before: set[str] = set()
    for index, entry in texts(spec, "exportTo"):
        here = ("spec", "exportTo", index)
        meant = namespace if entry == "." and namespace else entry
        if meant in before:
            yield Problem(here, "stated-twice", f"{quoted(entry)} is stated twice; state each namespace once")
        elif entry == "~" and not to_nobody:
            yield Problem(here, "not-a-namespace", "'~' means nobody; state `.`, `*` or namespaces")
        elif entry not in (".", "*", "~") and not is_label(entry):
            yield Problem(here, "not-a-namespace", f"{quoted(entry)} is not a namespace; state `.`, `*` or a name")
        before.add(meant)
    if len(before) > 1 and (alone := sorted(before & {"*", "~"})):
        message = f"{quoted(alone[0])} stands beside other namespaces; state it alone"
        yield Problem(("spec", "exportTo"), "not-alone", message)


def exported_with_a_selector(spec: Mapping[str, Any], namespace: str) -> Iterator[Problem]:
    """A DestinationRule for some workloads holds in its own namespace alone."""
    if not is_stated(spec, "workloadSelector"):
        return
    for index, entry in texts(spec, "exportTo"):
        if entry == "*" or (namespace and entry not in (".", namespace)):
            message = f"{quoted(entry)} stands beside 'workloadSelector'; only `.` is right then"
            yield Problem(("spec", "exportTo", index), "exported-with-a-selector", message)
