"""Pulumi's property values: the wire's Struct as plain Python, with secrets and unknowns marked."""

from dataclasses import dataclass
from typing import Any

from google.protobuf.struct_pb2 import NULL_VALUE, Struct, Value

_SIGNATURE = "4dabf18193072939515e22adb298388d"
_IS_SECRET = "1b47061264138c4ac30d75fd1eb44270"  # noqa: S105 - the protocol's mark, nobody's password
_UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
_UNKNOWNS = frozenset(
    {
        _UNKNOWN,
        "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7",  # boolean
        "3eeb2bf0-c639-47a8-9e75-3b44932eb421",  # number
        "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2",  # list
        "dd056dcd-154b-4c76-9bd3-c8f88648b5ff",  # object
    }
)
# schema keywords that Pulumi's SDKs cannot spell with dashes
_DASHED = {
    key.replace("-", "_"): key
    for key in (
        "x-kubernetes-embedded-resource",
        "x-kubernetes-int-or-string",
        "x-kubernetes-list-map-keys",
        "x-kubernetes-list-type",
        "x-kubernetes-map-type",
        "x-kubernetes-preserve-unknown-fields",
        "x-kubernetes-validations",
    )
}
_UNDERSCORED = {dashed: underscored for underscored, dashed in _DASHED.items()}

Properties = dict[str, Any]
"""Property values of one resource: JSON types, `Secret` and `UNKNOWN`."""


@dataclass(frozen=True, slots=True)
class Secret:
    """A value that is encrypted in state and never shown."""

    value: Any


class Unknown:
    """A value that only a real update will bring."""

    def __repr__(self) -> str:
        return "UNKNOWN"


UNKNOWN = Unknown()


def from_struct(struct: Struct) -> Properties:
    """Read what came over the wire; whole numbers become `int`, as they are written in YAML."""
    return {key: _read(value) for key, value in struct.fields.items()}


def _read(value: Value) -> Any:  # noqa: PLR0911 - one per kind of value
    match value.WhichOneof("kind"):
        case "string_value":
            return UNKNOWN if value.string_value in _UNKNOWNS else value.string_value
        case "number_value":
            number = value.number_value
            return int(number) if number.is_integer() and abs(number) < 1e21 else number
        case "bool_value":
            return value.bool_value
        case "list_value":
            return [_read(item) for item in value.list_value.values]
        case "struct_value":
            fields = value.struct_value.fields
            if _SIGNATURE in fields and fields[_SIGNATURE].string_value == _IS_SECRET:
                return Secret(_read(fields["value"]))
            return {key: _read(item) for key, item in fields.items()}
        case _:
            return None


def to_struct(properties: Properties, *, keep_secrets: bool = True) -> Struct:
    """Write for the wire; without `keep_secrets` an engine that cannot take secrets gets plain values."""
    struct = Struct()
    for key, value in properties.items():
        _write(struct.fields[key], value, keep_secrets)
    return struct


def _write(target: Value, value: Any, keep_secrets: bool) -> None:  # noqa: C901, FBT001 - one case per kind
    match value:
        case Secret(inner) if keep_secrets:
            target.struct_value.fields[_SIGNATURE].string_value = _IS_SECRET
            _write(target.struct_value.fields["value"], inner, keep_secrets)
        case Secret(inner):
            _write(target, inner, keep_secrets)
        case Unknown():
            target.string_value = _UNKNOWN
        case bool():
            target.bool_value = value
        case int() | float():
            target.number_value = value
        case str():
            target.string_value = value
        case dict():
            target.struct_value.SetInParent()
            for key, item in value.items():
                _write(target.struct_value.fields[key], item, keep_secrets)
        case list():
            target.list_value.SetInParent()
            for item in value:
                _write(target.list_value.values.add(), item, keep_secrets)
        case _:
            target.null_value = NULL_VALUE


def plain(value: Any) -> Any:
    """Copy without secret marks, keys as Kubernetes spells them: what the API server gets."""
    match value:
        case Secret(inner):
            return plain(inner)
        case dict():
            return {_DASHED.get(key, key): plain(item) for key, item in value.items()}
        case list():
            return [plain(item) for item in value]
        case _:
            return value


def underscored(value: Any) -> Any:
    """Copy with keys as Pulumi's SDKs spell them: what state holds."""
    match value:
        case dict():
            return {_UNDERSCORED.get(key, key): underscored(item) for key, item in value.items()}
        case list():
            return [underscored(item) for item in value]
        case _:
            return value


def has_secret(value: Any) -> bool:
    return _contains(value, Secret)


def has_unknown(value: Any) -> bool:
    return _contains(value, Unknown)


def _contains(value: Any, kind: type) -> bool:
    if isinstance(value, kind):
        return True
    match value:
        case Secret(inner):
            return _contains(inner, kind)
        case dict():
            return any(_contains(item, kind) for item in value.values())
        case list():
            return any(_contains(item, kind) for item in value)
        case _:
            return False


def mark_secrets(target: Properties, like: Properties) -> None:
    """Mark in `target` what is secret in `like`: single fields of objects, but lists as a whole.

    A list's items may move, and a secret must not come out of its mark by moving.
    """
    if target.get("kind") == "Secret":
        for key in ("data", "stringData"):
            if key in target and not isinstance(target[key], Secret):
                target[key] = Secret(target[key])
        return
    for key, value in like.items():
        if key not in target:
            continue
        if isinstance(target[key], dict) and isinstance(value, dict):
            mark_secrets(target[key], value)
        elif not isinstance(target[key], Secret) and has_secret(value):
            target[key] = Secret(target[key])
