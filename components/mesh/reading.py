"""Reading a spec value by value: what cannot be read becomes `Unknown`, and everything else is read all the same."""

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from functools import cache
from types import NoneType, UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from annotated_types import MinLen
from pydantic import AfterValidator, TypeAdapter, ValidationError
from pydantic.alias_generators import to_camel, to_snake
from pydantic.fields import FieldInfo

from .errors import Path, Problem
from .istio.meant import as_meant
from .manifest import is_late
from .spec.part import Part
from .spec.rule import HttpEntry
from .spec.values import SEVERAL_VALUES, InIstiosWords, as_list, plain_or_late
from .unknown import Encrypted, Unknown
from .wording import not_text, shown, step_of, told


class Reading:
    """One pass over plain data; `problems` are those of its values, in the order of the models.

    In messages, the keys of a part are spelt as in Python if the whole is in `snake_case`.
    """

    def __init__(self, *, snake_case: bool = False) -> None:
        self.problems: list[Problem] = []
        self._snake_case = snake_case

    def part(self, model: type[Part], data: Any, path: Path) -> Any:
        """An instance of `model`, in which an `Unknown` stands for every value that cannot be read."""
        if model.shorthand and not isinstance(data, Mapping):
            field = model.model_fields[model.shorthand]
            return model.model_construct(**{model.shorthand: self._field(field, data, path)})
        if isinstance(data, Encrypted):
            return Unknown(path, encrypted=True)
        if not isinstance(data, Mapping):
            return self._unread(path, "not-a-mapping", f"{shown(data)} is not a mapping; write `key: value`")
        data = model.stated(data)
        keys = self._keys(model, data, path)
        # a misspelt key states something: without it, the part would seem to say more, or less, than it does
        misspelt = {self._meant(key, model, data): key for key in data}
        values: dict[str, Any] = {}
        for name, field in model.model_fields.items():
            if name in keys:
                values[name] = self._field(field, data[keys[name]], (*path, keys[name]))
            elif field.is_required():
                values[name] = self._unread((*path, field.alias or name), "missing-key", "is missing")
            elif name in misspelt:
                values[name] = Unknown((*path, misspelt[name]), encrypted=False)
        for key in data:
            if issubclass(model, HttpEntry) and _is_istios(key, model):
                values[key] = self._in_istios_words(model.words(key), data[key], (*path, key))
        return model.model_construct(**values)

    def _keys(self, model: type[Part], data: Mapping[Any, Any], path: Path) -> dict[str, str]:
        """Field → the key that the user wrote for it."""
        fields = _fields_by_key(model)
        keys: dict[str, str] = {}
        for key in data:
            name = fields.get(key) if isinstance(key, str) else None
            if _is_istios(key, model):
                continue
            if not isinstance(key, str):
                self._problem((*path, step_of(key)), "not-text", f"{shown(key)} {not_text(key, is_key=True)}")
            elif name is None:
                self._problem((*path, step_of(key)), "unknown-key", self._unknown_key(key, model, data))
            elif name in keys:
                self._problem(
                    (*path, key), "stated-twice", f"{key!r} and {keys[name]!r} are one key; write one of them"
                )
            else:
                keys[name] = key
        return keys

    def _field(self, field: FieldInfo, data: Any, path: Path) -> Any:
        return self._value(field.annotation, tuple(field.metadata), data, path)

    def _value(self, annotation: Any, constraints: tuple[Any, ...], data: Any, path: Path) -> Any:
        annotation, inner = _unwrapped(annotation)
        if isinstance(annotation, type) and issubclass(annotation, Part):
            return self.part(annotation, data, path)
        if isinstance(data, Encrypted):
            return Unknown(path, encrypted=True)
        constraints = (*inner, *constraints)
        origin = get_origin(annotation)
        if origin in {Union, UnionType} and NoneType in get_args(annotation):
            [of] = (argument for argument in get_args(annotation) if argument is not NoneType)
            return None if data is None else self._value(of, constraints, data, path)
        for constraint in constraints:
            if isinstance(words := getattr(constraint, "func", None), InIstiosWords):
                return self._in_istios_words(words, data, path)
        read = {list: self._list, dict: self._dict}.get(origin, self._leaf) if origin else self._leaf
        return read(annotation, constraints, data, path)

    def _list(self, annotation: Any, constraints: tuple[Any, ...], data: Any, path: Path) -> Any:
        [of] = get_args(annotation)
        if not isinstance(data, list | tuple):
            if any(getattr(constraint, "func", None) is as_list for constraint in constraints):
                return [self._value(of, (), data, path)]
            if is_late(data):
                return self._unread(path, "needed-now", f"{shown(data)} {SEVERAL_VALUES}")
            return self._unread(path, "not-a-list", f"{shown(data)} is not a list; write `- ` before each entry")
        if not data and _needs_entries(constraints):
            return self._unread(path, "empty", "[] is empty; it should have at least one entry")
        return [self._value(of, (), item, (*path, index)) for index, item in enumerate(data)]

    def _dict(self, annotation: Any, constraints: tuple[Any, ...], data: Any, path: Path) -> Any:
        if not isinstance(data, Mapping):
            return self._unread(path, "not-a-mapping", f"{shown(data)} is not a mapping; write `key: value`")
        if not data and _needs_entries(constraints):
            return self._unread(path, "empty", "{} is empty; it should have at least one entry")
        key_type, of = get_args(annotation)
        values: dict[str, Any] = {}
        for key, item in data.items():
            name = step_of(key)
            here = (*path, name)
            if isinstance(key, str):
                self._value(key_type, (), key, here)
            else:
                self._problem(here, "not-text", f"{shown(key)} {not_text(key, is_key=True)}")
            # by its bad name it can still be found, so nobody is told that there is no such entry
            values[name] = self._value(of, (), item, here)
        return values

    def _in_istios_words(self, words: InIstiosWords, data: Any, path: Path) -> Any:
        return as_meant(self._istio(words, data, path), words.kind, words.place)

    def _istio(self, words: InIstiosWords, data: Any, path: Path) -> Any:
        """A value in Istio's words, in which anything may be encrypted, and single values may be outputs."""
        if isinstance(data, Encrypted):
            return Unknown(path, encrypted=True)
        if isinstance(data, dict):
            for key in data:
                if not isinstance(key, str):
                    self._problem((*path, step_of(key)), "not-text", f"{shown(key)} {not_text(key, is_key=True)}")
            return {
                step_of(key): self._istio(words.inner(step_of(key)), item, (*path, step_of(key)))
                for key, item in data.items()
            }
        if isinstance(data, list | tuple):
            return [self._istio(words.inner(0), item, (*path, index)) for index, item in enumerate(data)]
        if why := words.needed(data):
            return self._unread(path, "needed-now", f"{shown(data)} {why}")
        return self._leaf(_PLAIN_OR_LATE, (), data, path)

    def _leaf(self, annotation: Any, constraints: tuple[Any, ...], data: Any, path: Path) -> Any:
        try:
            return _adapter(annotation, constraints).validate_python(data)
        except ValidationError as error:
            return self._unread(path, *told(error.errors(include_url=False)[0], data))

    def _unknown_key(self, key: str, model: type[Part], data: Mapping[Any, Any]) -> str:
        nearest = self._nearest(key, model, data)
        hint = f"{model.instead[key]}; " if key in model.instead else f"did you mean {nearest!r}? " if nearest else ""
        # a stack file takes no provider, and a program can look it up
        takes = sorted({*self._keys_like(key, model)} - {"provider"})
        return f"{key!r} is not a known key; {hint}it takes {', '.join(takes)}"

    def _keys_like(self, key: str, model: type[Part]) -> list[str]:
        """The keys of a part, in the spelling of this one; where it is no help, in that of the whole."""
        in_snake_case = "_" in key or (self._snake_case and key.islower())
        keys = [*(field.alias or name for name, field in model.model_fields.items()), *model.elsewhere]
        return [*map(to_snake, keys)] if in_snake_case else keys

    def _nearest(self, key: str, model: type[Part], data: Mapping[Any, Any]) -> str:
        """The key that is probably meant; empty if there is none, or it is stated as well, or others say the same."""
        if key in model.instead:
            return ""
        nearest = get_close_matches(key, self._keys_like(key, model), n=1)
        return nearest[0] if nearest and nearest[0] not in data else ""

    def _meant(self, key: Any, model: type[Part], data: Mapping[Any, Any]) -> str | None:
        """The field that an unknown key probably means."""
        if not isinstance(key, str) or key in _fields_by_key(model) or _is_istios(key, model):
            return None
        return _fields_by_key(model).get(self._nearest(key, model, data))

    def _unread(self, path: Path, name: str, message: str) -> Unknown:
        self._problem(path, name, message)
        return Unknown(path, encrypted=False)

    def _problem(self, path: Path, name: str, message: str) -> None:
        self.problems.append(Problem(path, name, message))


_PLAIN_OR_LATE = Annotated[Any, AfterValidator(plain_or_late)]


@cache
def _fields_by_key(model: type[Part]) -> dict[str, str]:
    """Every key that the user may write → the field."""
    return {key: name for name, field in model.model_fields.items() for key in (name, field.alias or name)}


@cache
def _adapter(annotation: Any, constraints: tuple[Any, ...]) -> TypeAdapter[Any]:
    return TypeAdapter(Annotated[annotation, *constraints] if constraints else annotation)


def _is_istios(key: Any, model: type[Part]) -> bool:
    """Whether a key is a field that Istio defines, and is read as such."""
    return model.model_config.get("extra") == "allow" and isinstance(key, str) and key not in _fields_by_key(model)


def _unwrapped(annotation: Any) -> tuple[Any, tuple[Any, ...]]:
    if get_origin(annotation) is Annotated:
        inner, *constraints = get_args(annotation)
        return inner, tuple(constraints)
    return annotation, ()


def _needs_entries(constraints: Iterable[Any]) -> bool:
    return any(isinstance(constraint, MinLen) for constraint in constraints)


def is_snake_case(data: Any) -> bool:
    """Whether the user writes Python's form: some key of a part is in snake_case."""
    if isinstance(data, Mapping):
        return any(
            ("_" in key and to_camel(key) != key) or is_snake_case(value)
            for key, value in data.items()
            if isinstance(key, str)
        )
    return isinstance(data, list | tuple) and any(map(is_snake_case, data))
