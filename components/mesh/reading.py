"""Reading a spec value by value: what cannot be read becomes `Unknown`, and everything else is read all the same."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from difflib import get_close_matches
from functools import cache
from types import NoneType, UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from annotated_types import MinLen
from pydantic import TypeAdapter, ValidationError
from pydantic.alias_generators import to_camel
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from .errors import Path, Problem
from .spec.part import Part
from .unknown import Encrypted, Unknown


class Reading:
    """One pass over plain data; `problems` are those of its values, in the order of the models."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []

    def part(self, model: type[Part], data: Any, path: Path) -> Any:
        """An instance of `model`, in which an `Unknown` stands for every value that cannot be read."""
        if isinstance(data, Encrypted):
            return Unknown(path, encrypted=True)
        if not isinstance(data, Mapping):
            return self._unread(path, "not-a-mapping", f"{shown(data)} is not a mapping")
        fields = _fields_by_key(model)
        keys: dict[str, Any] = {}
        for key in data:
            field = fields.get(key) if isinstance(key, str) else None
            if field is None:
                self._problem((*path, _step(key)), "unknown-key", _unknown_key(key, model, data))
            elif field in keys:
                self._problem(
                    (*path, key), "stated-twice", f"{key!r} and {keys[field]!r} are one key; write one of them"
                )
            else:
                keys[field] = key
        values: dict[str, Any] = {}
        for name, field in model.model_fields.items():
            if name in keys:
                values[name] = self._field(field, data[keys[name]], (*path, keys[name]))
            elif field.is_required():
                values[name] = self._unread((*path, field.alias or name), "missing-key", "is missing")
        return model.model_construct(**values)

    def _field(self, field: FieldInfo, data: Any, path: Path) -> Any:
        return self._value(field.annotation, tuple(field.metadata), data, path)

    def _value(self, annotation: Any, constraints: tuple[Any, ...], data: Any, path: Path) -> Any:
        if isinstance(data, Encrypted):
            return Unknown(path, encrypted=True)
        annotation, inner = _unwrapped(annotation)
        constraints = (*inner, *constraints)
        origin = get_origin(annotation)
        if origin in (Union, UnionType) and NoneType in get_args(annotation):
            [of] = (argument for argument in get_args(annotation) if argument is not NoneType)
            return None if data is None else self._value(of, constraints, data, path)
        if isinstance(annotation, type) and issubclass(annotation, Part):
            return self.part(annotation, data, path)
        read = {list: self._list, dict: self._dict}.get(origin, self._leaf) if origin else self._leaf
        return read(annotation, constraints, data, path)

    def _list(self, annotation: Any, constraints: tuple[Any, ...], data: Any, path: Path) -> Any:
        if not isinstance(data, list | tuple):
            return self._unread(path, "not-a-list", f"{shown(data)} is not a list")
        if not data and _needs_entries(constraints):
            self._problem(path, "empty", "[] is empty; it should have at least one entry")
        [of] = get_args(annotation)
        return [self._value(of, (), item, (*path, index)) for index, item in enumerate(data)]

    def _dict(self, annotation: Any, constraints: tuple[Any, ...], data: Any, path: Path) -> Any:
        if not isinstance(data, Mapping):
            return self._unread(path, "not-a-mapping", f"{shown(data)} is not a mapping")
        if not data and _needs_entries(constraints):
            self._problem(path, "empty", "{} is empty; it should have at least one entry")
        key_type, of = get_args(annotation)
        values: dict[str, Any] = {}
        for key, item in data.items():
            step = _step(key)
            self._leaf(key_type, (), key, (*path, step))
            # by its bad name it can still be found, so nobody is told that there is no such entry
            values[str(step)] = self._value(of, (), item, (*path, step))
        return values

    def _leaf(self, annotation: Any, constraints: tuple[Any, ...], data: Any, path: Path) -> Any:
        try:
            return _adapter(annotation, constraints).validate_python(data)
        except ValidationError as error:
            details = error.errors(include_url=False, include_context=True)
            return self._unread(path, *_told(details[0], data))

    def _unread(self, path: Path, name: str, message: str) -> Unknown:
        self._problem(path, name, message)
        return Unknown(path, encrypted=False)

    def _problem(self, path: Path, name: str, message: str) -> None:
        self.problems.append(Problem(path, name, message))


@cache
def _fields_by_key(model: type[Part]) -> dict[str, str]:
    """Every key that the user may write → the field."""
    return {key: name for name, field in model.model_fields.items() for key in (name, field.alias or name)}


@cache
def _adapter(annotation: Any, constraints: tuple[Any, ...]) -> TypeAdapter[Any]:
    return TypeAdapter(Annotated[(annotation, *constraints)] if constraints else annotation)


def _unwrapped(annotation: Any) -> tuple[Any, tuple[Any, ...]]:
    if get_origin(annotation) is Annotated:
        inner, *constraints = get_args(annotation)
        return inner, tuple(constraints)
    return annotation, ()


def _needs_entries(constraints: Iterable[Any]) -> bool:
    return any(isinstance(constraint, MinLen) for constraint in constraints)


def _step(key: Any) -> str | int:
    return key if isinstance(key, str) else str(_plain(key))


def _told(detail: ErrorDetails, data: Any) -> tuple[str, str]:
    """Name and message of pydantic's error; of one of our own, as it is."""
    kind, bounds = detail["type"], detail.get("ctx", {})
    name, words = _WORDS.get(kind, (kind, detail["msg"]))
    if kind == "string_type":
        words = _not_text(data)
    elif kind == "literal_error":
        words = f"is not one of {bounds['expected'].replace(' or ', ', ')}"
    elif kind.startswith(("int", "bool")):
        name, words = _WORDS[kind.partition("_")[0]]
    return name, f"{shown(data)} {words.format(**bounds)}" if kind in _WORDS else f"{shown(data)} {words}"


_WORDS = {
    "bool": ("not-a-boolean", "is neither true nor false"),
    "greater_than_equal": ("too-small", "is too small; it should be at least {ge}"),
    "int": ("not-an-integer", "is not an integer"),
    "less_than_equal": ("too-large", "is too large; it should be at most {le}"),
    "literal_error": ("not-a-choice", ""),
    "string_too_short": ("empty", "is empty; it should be text"),
    "string_type": ("not-text", ""),
}
"""Type of pydantic's error → name and words of the problem."""


def _not_text(data: Any) -> str:
    if data is None:
        return "is not text; state a value, or take the key out"
    if isinstance(data, bool | int | float | date | bytes):
        return f"is not text; YAML reads it as {_yaml_type(data)}, so write it in quotes"
    return "is not text"


def _yaml_type(data: Any) -> str:
    names = {bool: "a boolean", int: "a number", float: "a number", bytes: "bytes"}
    return next((name for kind, name in names.items() if isinstance(data, kind)), "a date")


def _unknown_key(key: Any, model: type[Part], data: Mapping[Any, Any]) -> str:
    if not isinstance(key, str):
        return f"{shown(key)} is not text; write the key in quotes"
    if to_camel(key) in model.later:
        return f"{key!r} is not supported yet"
    snake_case = "_" in key
    keys = [name if snake_case else field.alias or name for name, field in model.model_fields.items()]
    nearest = get_close_matches(key, [*keys, *model.elsewhere], n=1)
    hint = f"did you mean {nearest[0]!r}? " if nearest and nearest[0] not in data else ""
    return f"{key!r} is not a known key; {hint}it takes {', '.join(sorted(keys))}"


def shown(value: Any) -> str:
    """A value as a message shows it: text in quotes, and no more than a line can hold."""
    try:
        text = repr(_plain(value))
    except (ValueError, RecursionError):  # an integer of thousands of digits
        text = f"a {type(value).__name__}"
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


class _Bare(str):
    """Text without quotes."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


_LONGEST = 300
"""A DNS name has at most 253 characters: the user should find the whole of it."""


def _plain(value: Any) -> Any:
    """As YAML writes it, which is what the user sees."""
    if value is None:
        return _Bare("null")
    if isinstance(value, bool):
        return _Bare(str(value).lower())
    return _Bare(value.isoformat()) if isinstance(value, date) else value


class _Bare(str):
    """Text without quotes."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


_LONGEST = 300
"""A DNS name has at most 253 characters: the user should find the whole of it."""


def _plain(value: Any) -> Any:
    """As YAML writes it, which is what the user sees."""
    if value is None or isinstance(value, bool | date):
        return _Bare({None: "null", True: "true", False: "false"}.get(value) or value.isoformat())
    return value


def joined(values: Sequence[str]) -> str:
    """`a, b and c`"""
    return " and ".join([", ".join(values[:-1]), values[-1]]) if len(values) > 1 else "".join(values)
