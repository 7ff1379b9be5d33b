"""From plain data to a federation, with everything that is wrong reported at once."""

from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import Any, NamedTuple, get_args, get_origin

from pydantic import ValidationError, WrapValidator
from pydantic.alias_generators import to_camel
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from . import names
from .checks import check
from .errors import Path, Problem, SpecError
from .spec import TOLERANT, Broken, Federation, Spec


def parse(data: Mapping[str, Any]) -> Federation:
    """The federation that `data` states; keys in camelCase or snake_case.

    Raises `SpecError` with every problem. One broken part never hides what is wrong with another.
    """
    federation, problems = _read(data)
    problems += _unknown_keys(data, Federation, ())
    if federation is not None:
        problems += check(federation)
    if federation is None or problems:
        spelling = _SNAKE_CASE if _is_snake_case(data) else {}
        told = {Problem(_spelled(path, spelling), message) for path, message in problems}
        raise SpecError(sorted(told, key=lambda problem: (_position(problem.path, data), problem.message)))
    return federation


def _read(data: Mapping[str, Any]) -> tuple[Federation | None, list[Problem]]:
    """What can be read, with `Broken` in the place of parts that cannot."""
    try:
        federation = Federation.model_validate(data, context=TOLERANT)
    except ValidationError as error:
        problems = list(_problems(error, ()))
        hopeless = {path[0] for path, _ in problems if path}
        rest = {key: value for key, value in data.items() if key not in hopeless}
        if "clusters" in hopeless:
            # without them nothing can be checked as a whole, but what is wrong with the other parts alone is still told
            named = _well_named(data.get("clusters"))
            federation_of_rest, more = _read({**rest, "clusters": named or _SOME_CLUSTER})
            return (federation_of_rest if named else None), problems + more
        if len(rest) == len(data):
            return None, problems
        federation_of_rest, more = _read(rest)
        return federation_of_rest, problems + more
    return federation, list(_flaws(federation, ()))


_SOME_CLUSTER = {"some": {"context": "some"}}


def _well_named(clusters: Any) -> dict[str, Any]:
    """Those that a bad name of another cluster would hide."""
    if not isinstance(clusters, Mapping):
        return {}
    return {name: cluster for name, cluster in clusters.items() if names.LABEL.fullmatch(str(name))}


def _flaws(value: Any, path: Path) -> Iterator[Problem]:
    """What could not be read."""
    if isinstance(value, Broken):
        yield from _problems(value.error, path)
    elif isinstance(value, Spec):
        for name, field in _COMPOUND_FIELDS[type(value)].items():
            yield from _flaws(getattr(value, name), (*path, field))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _flaws(item, (*path, index))
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _flaws(item, (*path, key))


def _unknown_keys(value: Any, model: type[Spec], path: Path) -> Iterator[Problem]:
    """Keys that nobody knows, in what the user states: a part that cannot be read has its keys, too."""
    if isinstance(value, Mapping):
        fields = _FIELDS[model]
        for key, item in value.items():
            if key not in fields:
                yield Problem((*path, str(key)), _unknown_key(str(key), model))
            elif inner := fields[key]:
                for step, part in _parts(item, inner.depth):
                    yield from _unknown_keys(part, inner.model, (*path, key, *step))


def _parts(value: Any, depth: int) -> Iterator[tuple[Path, Any]]:
    """What stands `depth` containers deep in `value`, and the way there."""
    if depth == 0:
        yield (), value
    elif isinstance(value, Mapping):
        for key, item in value.items():
            for step, part in _parts(item, depth - 1):
                yield (key, *step), part
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            for step, part in _parts(item, depth - 1):
                yield (index, *step), part


def _problems(error: ValidationError, path: Path) -> Iterator[Problem]:
    for detail in error.errors(include_url=False, include_input=False):
        where = (*path, *(step for step in detail["loc"] if step not in _PYDANTIC_STEPS))
        yield Problem(where, _message(detail))


_PYDANTIC_STEPS = ("[key]", "IPv4Network", "IPv6Network")
"""Steps that pydantic adds for a dict's key or a union's member; the user never wrote them."""


def _message(detail: ErrorDetails) -> str:
    if detail["type"] == "missing":
        return "is missing"
    if detail["type"] == "too_short":
        return "should have at least one entry"
    message = detail["msg"].replace("Input should", "should")
    return message[0].lower() + message[1:]


def _unknown_key(key: str, model: type[Spec]) -> str:
    if to_camel(key) in model.later:
        return "is not supported yet"
    known = [name if "_" in key else field.alias or name for name, field in model.model_fields.items()]
    nearest = get_close_matches(key, known, n=1)
    hint = f"did you mean {nearest[0]!r}? " if nearest else ""
    return f"unknown key; {hint}it takes {', '.join(sorted(known))}"


def _models(annotation: Any) -> Iterator[type[Spec]]:
    if isinstance(annotation, type) and issubclass(annotation, Spec):
        yield annotation
    for argument in get_args(annotation):
        yield from _models(argument)


def _may_be_flawed(field: FieldInfo) -> bool:
    return any(_models(field.annotation)) or any(isinstance(part, WrapValidator) for part in field.metadata)


def _every_model() -> set[type[Spec]]:
    found: set[type[Spec]] = set()
    new: set[type[Spec]] = {Federation}
    while new := {inner for m in new for f in m.model_fields.values() for inner in _models(f.annotation)} - found:
        found |= new
    return {Federation} | found


class _Inner(NamedTuple):
    """A field that holds models, `depth` lists or maps deep."""

    model: type[Spec]
    depth: int


def _inner(annotation: Any) -> _Inner | None:
    if isinstance(annotation, type) and issubclass(annotation, Spec):
        return _Inner(annotation, 0)
    arguments = get_args(annotation)
    container = 1 if get_origin(annotation) in (list, dict) else 0
    found = next(filter(None, map(_inner, arguments)), None)
    return found and _Inner(found.model, found.depth + container)


_MODELS = _every_model()
_FIELDS = {
    model: {key: _inner(f.annotation) for name, f in model.model_fields.items() for key in (name, f.alias or name)}
    for model in _MODELS
}
_SNAKE_CASE = {f.alias: name for model in _MODELS for name, f in model.model_fields.items() if f.alias}
_CAMEL_CASE = {name: alias for alias, name in _SNAKE_CASE.items()}
_COMPOUND_FIELDS = {
    model: {name: f.alias or name for name, f in model.model_fields.items() if _may_be_flawed(f)} for model in _MODELS
}
"""The fields that may hold something broken or unknown: walking the others would cost more than reading them."""


def _position(path: Path, data: Any) -> list[int]:
    """Where `path` stands in what the user states, so that problems come in the order of the text."""
    position: list[int] = []
    for step in path:
        if isinstance(data, Mapping):
            keys = list(data)
            position.append(keys.index(step) if step in data else len(keys))
            data = data.get(step)
        elif isinstance(step, int):
            position.append(step)
            data = data[step] if isinstance(data, list | tuple) and step < len(data) else None
    return position


def _spelled(path: Path, spelling: Mapping[str, str]) -> Path:
    return tuple(spelling.get(step, step) if isinstance(step, str) else step for step in path)


def _is_snake_case(data: Any) -> bool:
    """Whether the user writes Python's form: one of our keys is in snake_case."""
    if isinstance(data, Mapping):
        return any(("_" in str(key) and key in _CAMEL_CASE) or _is_snake_case(value) for key, value in data.items())
    return isinstance(data, list | tuple) and any(map(_is_snake_case, data))
