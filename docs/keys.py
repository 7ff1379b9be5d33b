"""The keys of the spec, read from its models: name, type, default, and the docstring below the field."""

import ast
import inspect
import json
import re
import typing
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from ipaddress import IPv4Network, IPv6Network
from itertools import pairwise
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, NamedTuple, Union, get_args, get_origin

from annotated_types import Ge, Le
from mesh_federation.mesh.istio.releases import RELEASES
from mesh_federation.mesh.reach import Reach
from mesh_federation.mesh.spec import rule, values
from mesh_federation.mesh.spec.cluster import Cluster
from mesh_federation.mesh.spec.federation import Federation
from mesh_federation.mesh.spec.part import Part as SpecPart
from pydantic import BaseModel
from pydantic.fields import FieldInfo

CHOICES = {
    values.Protocol: values.PROTOCOLS,
    values.IstioVersion: RELEASES,
    rule.CreateService: ("true", "false", "handOver"),
}
"""Types that a validator narrows to a few values, which the type itself does not show."""


class Key(NamedTuple):
    """A row of the reference."""

    name: str
    type: str
    default: str
    meaning: str


class Part(NamedTuple):
    """A table of the reference: one model, at one place of the spec."""

    heading: str
    meaning: str
    keys: Sequence[Key]


def parts() -> Iterator[Part]:
    """Every model of the spec, in the order of the text: each after the model that holds it."""
    for model, place in _places(Federation, ""):
        # a stack file says at each cluster how it is reached, too
        keys = [key for part in ((Reach, Cluster) if model is Cluster else (model,)) for key in _keys(part)]
        yield Part(f"`{place}`" if place else "Top level", _one_line(inspect.getdoc(model)), keys)


def _places(model: type[BaseModel], place: str) -> Iterator[tuple[type[BaseModel], str]]:
    """The model and those that it holds, each with its place, in the order of the text."""
    yield model, place
    hints = typing.get_type_hints(model, include_extras=True)
    for name, field in model.model_fields.items():
        for inner, steps in _models(hints[name]):
            yield from _places(inner, f"{place}.{field.alias or name}{steps}".removeprefix("."))


def _keys(model: type[BaseModel]) -> Iterator[Key]:
    hints = typing.get_type_hints(model, include_extras=True)
    meanings = _docstrings(model)
    for name, field in model.model_fields.items():
        meaning = _one_line(meanings.get(name)).replace("|", "\\|")
        yield Key(field.alias or name, _words(hints[name], _names()), _default(field), meaning)


def _docstrings(model: type[BaseModel]) -> dict[str, str]:
    """Field → the docstring below it. Pydantic would read the sources of all models whenever a program starts."""
    docstrings: dict[str, str] = {}
    for owner in reversed(model.__mro__):
        if issubclass(owner, SpecPart):
            [definition] = ast.parse(inspect.getsource(owner)).body
            assert isinstance(definition, ast.ClassDef)
            for field, below in pairwise(definition.body):
                match field, below:
                    case ast.AnnAssign(target=ast.Name(name)), ast.Expr(value=ast.Constant(value=str(text))):
                        docstrings[name] = inspect.cleandoc(text)
    return docstrings


def _models(hint: Any) -> Iterator[tuple[type[BaseModel], str]]:
    """The models that a field holds, and the steps from the field to each: `[]` into a list, `.<name>` into a map."""
    plain, _ = _bare(hint)
    if isinstance(plain, type) and issubclass(plain, BaseModel):
        yield plain, ""
        return
    origin, arguments = get_origin(plain), get_args(plain)
    if origin in (dict, Mapping):
        yield from ((model, f".<name>{steps}") for model, steps in _models(arguments[1]))
    elif origin in (list, tuple, Sequence):
        yield from ((model, f"[]{steps}") for model, steps in _models(arguments[0]))
    elif origin in (Union, UnionType):
        for argument in arguments:
            yield from _models(argument)


def _words(hint: Any, names: Mapping[str, str]) -> str:
    """A type as a reader says it; `names` are those of annotated types."""
    plain, metadata = _bare(hint)
    choices = get_args(plain) if get_origin(plain) is Literal else CHOICES.get(hint, ())
    if choices:
        return ", ".join(f"`{choice}`" for choice in choices)
    return f"{names.get(_identity(hint)) or _plain_words(plain, names)}{_bounds(metadata)}"


def _plain_words(plain: Any, names: Mapping[str, str]) -> str:
    origin, arguments = get_origin(plain), get_args(plain)
    if origin in (dict, Mapping):
        return f"map: {_words(arguments[0], names)} → {_words(arguments[1], names)}"
    if origin in (list, tuple, Sequence):
        return f"list: {_words(arguments[0], names)}"
    if origin in (Union, UnionType):
        stated = [argument for argument in arguments if argument is not NoneType]
        return " or ".join(dict.fromkeys(_words(argument, names) for argument in stated))
    if isinstance(plain, type) and issubclass(plain, SpecPart) and plain.shorthand:
        hint = typing.get_type_hints(plain, include_extras=True)[plain.shorthand]
        return f"{_words(hint, names)} or map"
    if isinstance(plain, type) and issubclass(plain, BaseModel):
        return _model_words(plain, names)
    known = {str: "text", int: "integer", bool: "true or false", IPv4Network: "network", IPv6Network: "network"}
    return known.get(plain, "anything")


def _model_words(model: type[BaseModel], names: Mapping[str, str]) -> str:
    """`map`, or `DNS label or map` where the value of one key may stand for the whole."""
    shorthand = getattr(model, "shorthand", "")
    hint = typing.get_type_hints(model, include_extras=True).get(shorthand)
    return "map" if hint is None else f"{_words(hint, names)} or map"


def _bounds(metadata: Sequence[Any]) -> str:
    """`, 1 to 65535`, of what pydantic holds a number to."""
    constraints = [inner for item in metadata for inner in getattr(item, "metadata", [item])]
    lower = next((item.ge for item in constraints if isinstance(item, Ge)), None)
    upper = next((item.le for item in constraints if isinstance(item, Le)), None)
    if lower is None:
        return ""
    return f", {lower} to {upper}" if upper is not None and upper != 2**31 - 1 else f", {lower} or more"


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    default = field.get_default(call_default_factory=True, validated_data={})
    if default is None or isinstance(default, BaseModel):
        return ""
    if isinstance(default, str):
        return f"`{default}`"
    if isinstance(default, dict | list | bool | int):
        return f"`{json.dumps(default, default=str)}`".replace('"', "")
    return f"`{default}`"


def _bare(hint: Any) -> tuple[Any, tuple[Any, ...]]:
    """The type without `Annotated`, and what was annotated."""
    return (hint.__origin__, hint.__metadata__) if get_origin(hint) is Annotated else (hint, ())


def _names() -> dict[str, str]:
    """What annotated types are called in the spec: `PortNumber` is a port number.

    Two names for one and the same type say nothing of a field of that type.
    """
    names_of = defaultdict(list)
    for name, value in vars(values).items():
        if get_origin(value) is Annotated:
            names_of[_identity(value)].append(_spaced(name))
    return {identity: names[0] for identity, names in names_of.items() if len(names) == 1}


def _identity(hint: Any) -> str:
    """Two annotated types are the same if type and annotations are."""
    return repr(_bare(hint))


def _spaced(name: str) -> str:
    """`port number`, `DNS label`"""
    return re.sub(r"(?<!^)(?=[A-Z])", " ", name).lower().replace("dns", "DNS").replace("istio", "Istio")


def _one_line(text: str | None) -> str:
    return " ".join((text or "").split())
