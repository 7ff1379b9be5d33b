"""Expectations in the form of a `calls.yaml`, judged by what becomes of each call."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from tests.oracle.calls import Call, Outcome, follow
from tests.oracle.comparison import compare
from tests.oracle.envoy import stock_envoy
from tests.oracle.inventory import Inventory
from tests.oracle.istiod import Object
from tests.oracle.validation import validate
from tests.oracle.world import Caller, Outage, World

Expectation = Mapping[str, Any]

TOLERANCE = 0.01
"""Of shares, in percent."""


class SpelledProblem(NamedTuple):
    """Something that the product finds wrong with a spec."""

    path: str
    """`traffic[2].http[0].route[1].version`"""
    message: str


class Judge:
    """The calls of a federation: a stack file's `config`, and the objects that the product makes for each cluster."""

    def __init__(
        self,
        config: Mapping[str, Any],
        objects: Mapping[str, Sequence[Object]],
        expectations: Sequence[Expectation],
        mesh_options: Mapping[str, Any] | None = None,
    ) -> None:
        """`mesh_options`: more of every cluster's MeshConfig, in Istio's words."""
        self.inventory = Inventory(config)
        self._mesh_options = mesh_options or {}
        self._objects = objects
        self.callers = {_caller(expected) for expected in expectations}
        self._worlds: dict[Outage, World] = {}

    def world(self, outage: Outage | None = None) -> World:
        """All clusters, as istiod configures them while this does not answer."""
        outage = outage or Outage()
        if outage not in self._worlds:
            self._worlds[outage] = World(self.inventory, self._objects, self.callers, outage, self._mesh_options)
        return self._worlds[outage]

    def outcome(self, expected: Expectation) -> Outcome:
        """What becomes of the call that an expectation is about."""
        absent = {
            name.lower()
            for destination in expected["outcome"].get("destinations", ())
            for name in destination.get("answer", {}).get("without", ())
        }
        world = self.world(self._outage(expected))
        call = Call.read(expected["request"])
        # a header that is to be gone from the answer has to be in it first
        return follow(world, stock_envoy(), _caller(expected), call, answer_with=frozenset(absent))

    def differences(self, expected: Expectation, tolerance: float = TOLERANCE) -> list[str]:
        """A line for each thing that an expectation states and that is not so, and why calls are lost."""
        outcome = self.outcome(expected)
        lines = [*compare(self.inventory, expected["outcome"], outcome, tolerance, self._outage(expected).pods)]
        return [f"{expected['about']}: {line}" for line in [*lines, *(outcome.lost if lines else ())]]

    def _outage(self, expected: Expectation) -> Outage:
        down = (expected.get("given") or {}).get("down", ())
        pods = (self.inventory.pods_of(d["cluster"], d["service"], d.get("version")) for d in down if "service" in d)
        return Outage(frozenset().union(*pods), frozenset(d["cluster"] for d in down if "service" not in d))


def disagreements(
    case: Mapping[str, Any],
    problems: Callable[[Mapping[str, Any]], Sequence[SpelledProblem]],
    objects: Callable[[Mapping[str, Any]], Mapping[str, Sequence[Object]]],
) -> list[str]:
    """A line for each thing that a case of the language says and that is not so; none if all of it is.

    `case` has a stack file's `config`, and what to `expect`. The product is two functions of the config: all that it
    finds wrong, and the objects that it makes for each cluster. Raises `RefusedByEnvoyError` and `RefusalError`.
    """
    config, expectations = case["config"], case["expect"]
    refused = [expected for expected in expectations if "request" not in expected]
    lines = [line for expected in refused for line in refusals(expected["outcome"], problems(config))]
    called = [expected for expected in expectations if "request" in expected]
    if called:
        judge = Judge(config, objects(config), called)
        validate(*judge.world().configurations)
        lines += [line for expected in called for line in judge.differences(expected)]
    return lines


def refusals(stated: Mapping[str, Any], problems: Sequence[SpelledProblem]) -> list[str]:
    """A line for each problem that an outcome states and that is not there, or the other way round.

    `stated` has `errors` and perhaps `fine`; `problems` are all that the product finds wrong with the spec.
    """
    return [*_missing(stated.get("errors", ()), problems), *_unwanted(stated.get("fine", ()), problems)]


def _missing(errors: Sequence[Mapping[str, Any]], problems: Sequence[SpelledProblem]) -> Iterator[str]:
    for error in errors:
        texts = [problem.message for problem in problems if _is_within(problem.path, error["path"])]
        if not any(all(word in text for word in error.get("mentions", ())) for text in texts):
            yield f"{error['path']}: none of {texts} mentions {error.get('mentions', [])}"


def _unwanted(fine: Sequence[str], problems: Sequence[SpelledProblem]) -> Iterator[str]:
    for path in fine:
        yield from (f"{p.path} is fine, and not: {p.message}" for p in problems if _is_within(p.path, path))


def _is_within(path: str, whole: str) -> bool:
    return path == whole or path.startswith((f"{whole}.", f"{whole}["))


def _caller(expected: Expectation) -> Caller:
    origin = expected["from"]
    labels = tuple(sorted((origin.get("labels") or {}).items()))
    return Caller(expected["client"], origin["namespace"], labels, origin.get("type", "sidecar"))
