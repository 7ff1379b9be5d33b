"""Istio's schemas per release, as `mesh_federation.mesh.istio` holds them: made from Istio's own definitions.

`make releases` writes `components/mesh/istio/releases/<minor>.json`. A new release is a line in `MODULES`.

A file has one line for each message of Istio's API. Its name is the shortest place where it stands, and `ref` refers to
it. `type` is what a value must be; a message has `fields`, a map `values`, a list `items`. Descriptions are left out.
"""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import yaml
from mesh_federation.mesh.istio.kinds import BY_NAME

from . import tools

TARGET = Path(__file__).parents[1] / "components" / "mesh" / "istio" / "releases"


class Module(NamedTuple):
    """A version of the Go module `istio.io/api`, which has the definitions, and the checksum of its content."""

    version: str
    checksum: str


MODULES = {
    "1.27": Module("v1.27.3", "h1:Ek00/+kB0wepYuevSfE0Edh2o5ndEtekmo/Nkx5LIYA="),
    "1.28": Module("v1.28.0", "h1:0fYY9G03CAdFwE/fCkpr0v7kKsy+Hz9OCCjLNBNLbnU="),
    "1.29": Module("v1.29.6", "h1:O7xvL89MJut2Lho0L27XDeB+WO8eb8seyDd9+zjaVGc="),
    "1.30": Module("v1.30.3", "h1:pPSa0uah/t7CEuwacS4rw5qK/oHGvxC0WO8i4RRGwEU="),
    "1.31": Module("v1.31.4", "h1:AcnncYrlDj1PJkym7h88Gggkef4MAra8QpGaXRMsr+E="),
    "1.32": Module("v1.32.0", "h1:37mJvg9I0biYZAEQF+MATs4FNeCpXEIVO3LFpVb6iNM="),
}

Schema = dict[str, Any]


class SchemaError(ValueError):
    """A definition says something that the compact form cannot express yet; says what."""


def main() -> None:
    for release in MODULES:
        file = TARGET / f"{release}.json"
        file.write_text(compact(release))
        print(f"{file.name}: {file.stat().st_size / 1000:.0f} kB")


def definitions(release: str) -> Iterator[Schema]:
    """The CustomResourceDefinitions of our kinds, fetched on first use."""
    text = tools.istio_definitions(*MODULES[release]).read_text()
    for document in text.split("\n---\n"):
        # reading the others would take half of the time
        if any(f"\n    kind: {kind}\n" in document for kind in BY_NAME):
            definition = yaml.load(document, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506 - both are safe
            names = definition["spec"]["names"]
            kind = BY_NAME.get(names["kind"])
            if kind and kind.resource == definition["metadata"]["name"]:
                yield definition


def compact(release: str) -> str:
    """The content of the release's file: the same bytes for the same definitions."""
    messages: dict[str, tuple[str, Schema]] = {}
    for definition in definitions(release):
        kind = definition["spec"]["names"]["kind"]
        [version] = [v for v in definition["spec"]["versions"] if v["name"] == "v1"]
        _collect(_compact(version["schema"]["openAPIV3Schema"]["properties"]["spec"], kind), kind, messages)
    lines = [
        f"{json.dumps(name)}: {json.dumps(_with_references(schema, messages), sort_keys=True)}"
        for name, schema in sorted(messages.values(), key=lambda message: message[0])
    ]
    return "{\n" + ",\n".join(lines) + "\n}\n"


def _collect(schema: Schema, place: str, messages: dict[str, tuple[str, Schema]]) -> None:
    """Give each message the shortest of its places as a name; of the equally short ones the first."""
    for step, inner in _inner(schema):
        _collect(inner, place + step, messages)
    if "fields" in schema:
        key = _text(schema)
        name = messages[key][0] if key in messages else place
        messages[key] = (min(name, place, key=lambda name: (len(name), name)), schema)


def _inner(schema: Schema) -> Iterator[tuple[str, Schema]]:
    """The schemas of what stands in such a value, each with the step that leads there."""
    yield from ((f".{name}", field) for name, field in schema.get("fields", {}).items())
    if "items" in schema:
        yield "[]", schema["items"]
    if "values" in schema:
        yield "{}", schema["values"]


def _with_references(schema: Schema, messages: Mapping[str, tuple[str, Schema]]) -> Schema:
    """The message, with every message in it replaced by a reference."""

    def referring(inner: Schema) -> Schema:
        if "fields" not in inner:
            return _with_references(inner, messages)
        return {"ref": messages[_text(inner)][0]}

    message = dict(schema)
    if "fields" in schema:
        message["fields"] = {name: referring(field) for name, field in schema["fields"].items()}
    for word in ("items", "values"):
        if word in schema:
            message[word] = referring(schema[word])
    return message


def _text(schema: Schema) -> str:
    return json.dumps(schema, sort_keys=True)


_KEPT = (
    "enum",
    "maximum",
    "maxItems",
    "maxLength",
    "maxProperties",
    "minimum",
    "minItems",
    "minLength",
    "minProperties",
    "pattern",
    "required",
)
"""Words that mean the same in both forms."""
_TYPES = {
    ("boolean", None): "boolean",
    ("integer", "int32"): "int32",
    ("integer", None): "integer",
    ("number", "double"): "number",
    ("object", None): "object",
    ("array", None): "array",
    ("string", "binary"): "string",  # an API server does not look into these
    ("string", "byte"): "bytes",
    ("string", None): "string",
}
_CONTENT = ("additionalProperties", "allOf", "items", "oneOf", "properties")
_EXPRESSED = ("format", "type", "x-kubernetes-list-map-keys", "x-kubernetes-list-type", "x-kubernetes-validations")
_WITHOUT_EFFECT = ("description", "nullable")
"""An API server drops a null that stands for a field, nullable or not."""
_UNDERSTOOD = {*_KEPT, *_CONTENT, *_EXPRESSED, *_WITHOUT_EFFECT}


def _compact(schema: Schema, place: str) -> Schema:
    """The schema at this place in our own form. Raises `SchemaError` if it says more than that can express."""
    if unknown := schema.keys() - _UNDERSTOOD:
        raise SchemaError(f"{place}: no compact form for {', '.join(sorted(unknown))}")
    result: Schema = {word: schema[word] for word in _KEPT if word in schema}
    result["type"] = _TYPES[schema["type"], schema.get("format")]
    if schema["type"] == "object" and "additionalProperties" not in schema:
        fields = schema.get("properties", {})
        result["fields"] = {name: _compact(inner, f"{place}.{name}") for name, inner in sorted(fields.items())}
    if "items" in schema:
        result["items"] = _compact(schema["items"], f"{place}[]")
    if "additionalProperties" in schema:
        result["values"] = _compact(schema["additionalProperties"], f"{place}{{}}")
    if keys := schema.get("x-kubernetes-list-map-keys"):
        result["unique"] = list(keys)
    groups = [_group(part, place) for part in (schema, *schema.get("allOf", ())) if "oneOf" in part]
    if groups := [group for group in groups if len(group) > 1]:
        result["atMostOne"] = groups
    for validation in schema.get("x-kubernetes-validations", ()):
        _add_rule(result, validation["rule"])
    return result


def _group(schema: Schema, place: str) -> list[str]:
    """The fields of which at most one may be set: the only `oneOf` that Istio's definitions have."""
    none, *each = schema["oneOf"]
    fields: list[str] = [one["required"][0] for one in each]
    if none != {"not": {"anyOf": each}} or each != [{"required": [name]} for name in fields]:
        raise SchemaError(f"{place}: no compact form for this oneOf: {schema['oneOf']}")
    return fields


_SET = r"\(has\(self\.\w+\) \? 1 : 0\)"
_AT_MOST_ONE = re.compile(rf"{_SET}( \+ {_SET})+ <= 1")
_PLAIN_RULES: Mapping[str, Schema] = {
    "0 < self && self <= 65535": {"type": "port"},
    "duration(self) >= duration('1ms')": {"type": "duration"},
    "self.size() == 0": {"maxLength": 0},
}
_UNIQUE = re.compile(r"self\.all\(l1, self\.exists_one\(l2, l1\.(?P<field>\w+) == l2\.(?P=field)\)\)")


def _add_rule(schema: Schema, rule: str) -> None:
    """A CEL rule, in words of the compact form where it has some, else as it is: `expressions.py` evaluates those."""
    if _AT_MOST_ONE.fullmatch(rule):
        schema.setdefault("atMostOne", []).append(re.findall(r"self\.(\w+)", rule))
    elif unique := _UNIQUE.fullmatch(rule):
        schema.setdefault("unique", []).append(unique["field"])
    elif rule in _PLAIN_RULES:
        if schema["type"] == "integer":  # the type says it all
            del schema["minimum"], schema["maximum"]
        schema.update(_PLAIN_RULES[rule])
    else:
        schema.setdefault("rules", []).append(rule)


if __name__ == "__main__":
    main()
