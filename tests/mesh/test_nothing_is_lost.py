"""Nothing that a user writes is lost in silence: it changes an object or an output, or is refused."""

import copy
import json
from collections.abc import Iterator
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from mesh_federation.mesh.errors import SpecError

from docs import keys
from tests.given import core
from tests.given.language import federations, leaves
from tests.given.scenarios import SCENARIOS, spec_of
from tests.given.specs import Spec
from tests.given.translations import translate

Path = tuple[Any, ...]


def effect(spec: Spec) -> str:
    """All that a spec leads to: objects, pauses, outputs, ways and warnings, or what is wrong with it."""
    try:
        federation, warnings, reach = core.read_stated(spec)
    except SpecError as error:
        return str(error)
    translation = translate(spec)
    pauses = [
        (e.client, e.serving, sorted(e.needs), sorted(e.routes), federation.settle_seconds_of(e.client, e.serving))
        for e in translation.plan.edges
    ]
    outputs = [core.outputs_of(federation), core.requirements_of(federation)]
    ways = {name: repr(way) for name, way in sorted(reach.items())}
    return json.dumps([translation.objects, pauses, outputs, ways, list(map(str, warnings))])


def changed(spec: Spec, path: Path) -> Iterator[Spec]:
    """The spec without what stands at a path, and with other values there."""
    *above, last = path
    for value in (None, *_others(_at(spec, path))):
        other = copy.deepcopy(spec)
        part = _at(other, tuple(above))
        if value is None:
            del part[last]
        else:
            part[last] = value
        yield other


def _at(value: Any, path: Path) -> Any:
    for step in path:
        value = value[step]
    return value


def _others(value: Any) -> list[Any]:
    if isinstance(value, bool):
        return [not value]
    if isinstance(value, int | float):
        return [value + 1]
    return [f"{value}x", f"x{value}"] if isinstance(value, str) else []


def is_without_effect(rule: Spec, path: Path) -> bool:
    """What may be written in a rule though nothing comes of it."""
    clients = rule["clients"]
    is_at_gateway = bool(set(clients.get("gateways", ())) - {"mesh"})
    match path:
        case ("name",):
            return not is_at_gateway  # for people
        case ("clients", "gateways", _):
            return bool(clients["gateways"] == ["mesh"])  # so it is without the key
        case ("http" | "tcp" | "tls", _, "match", _, "gateways", _):
            return not is_at_gateway  # the only way in
        case ("http" | "tcp" | "tls", _, "match", _, "port"):
            return "port" in rule  # the rule's own
        case _:
            return False


@given(federations(), st.data())
def test_every_value_in_a_rule_changes_something(spec: Spec, data: st.DataObject) -> None:
    before = effect(spec)
    places = [(index, path) for index, rule in enumerate(spec["traffic"]) for path in leaves(rule)]
    for index, path in data.draw(st.lists(st.sampled_from(places), max_size=25)) if places else ():
        if not is_without_effect(spec["traffic"][index], path):
            others = list(changed(spec, ("traffic", index, *path)))
            assert any(effect(other) != before for other in others), ("traffic", index, *path)


# -- every key ---------------------------------------------------------------------------------------------------

NOT_TO_BE_SEEN = {
    "clusters.<name>.istio.version",  # decides what is refused, and no object
    *(f"traffic[].{kind}[].route[].headers" for kind in ("tcp", "tls")),  # refused: they are for HTTP
}
"""Keys that change neither an object nor an output in any scenario."""


def test_every_key_of_the_spec_changes_something_in_some_scenario() -> None:
    """Of what the reference lists, nothing is there for nothing."""
    unseen = {key for part in keys.parts() for key in full_names(part)} - NOT_TO_BE_SEEN
    for scenario in SCENARIOS:
        spec = spec_of(scenario)
        before = effect(spec)
        for path in places(spec):
            name = name_of(path)
            if name in unseen and any(effect(other) != before for other in changed(spec, path)):
                unseen.discard(name)

    assert unseen == set()


def full_names(part: keys.Part) -> Iterator[str]:
    """`clusters.<name>.gateway.port`"""
    place = "" if part.heading == "Top level" else f"{part.heading.strip('`')}."
    return (f"{place}{key.name}" for key in part.keys)


def places(value: Any, path: Path = ()) -> Iterator[Path]:
    """The path of everything in plain data, but for the whole."""
    for step in value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ():
        yield (*path, step)
        yield from places(value[step], (*path, step))


def name_of(path: Path) -> str:
    """The same as the reference names it."""
    text = ""
    for before, step in zip((None, *path), path, strict=False):
        is_name = before in ("clusters", "gateways") and path[0] != "traffic"
        text += "[]" if isinstance(step, int) else ".<name>" if is_name else f".{step}"
    return text.removeprefix(".")
