"""The Python form of the spec is the same tree as that of stack files: `args` and the models say the same."""

import ast
import inspect
from typing import Any, Literal, get_args, get_origin

import pytest
from mesh_federation import args
from mesh_federation.mesh.reach import Reach
from mesh_federation.mesh.spec import cluster, federation, rule, service
from mesh_federation.mesh.spec.part import Part
from pydantic.fields import FieldInfo

from tests.given.repository import syntax_of

MODELS: dict[str, type[Part]] = {
    "FederationArgs": federation.Federation,
    "AddressesArgs": federation.Addresses,
    "ClusterArgs": cluster.Cluster,
    "IstioArgs": cluster.Istio,
    "GatewayArgs": cluster.Gateway,
    "GatewayTargetArgs": cluster.GatewayTarget,
    "ServiceArgs": service.Service,
    "PortArgs": service.Port,
    "PresenceArgs": service.Presence,
    "ImportArgs": service.Import,
    "RuleArgs": rule.Rule,
    "ClientsArgs": rule.Clients,
    "HttpEntryArgs": rule.HttpEntry,
    "TcpEntryArgs": rule.TcpEntry,
    "TlsEntryArgs": rule.TlsEntry,
    "DestinationArgs": rule.Destination,
    "MirrorArgs": rule.Mirror,
    "SubstituteArgs": rule.Substitute,
}
REACH = {"ClusterArgs": {"provider", "render_to"}}
"""How a program says in which way a cluster is reached; `identity` is the provider's own to say."""


def described() -> dict[str, dict[str, str]]:
    """TypedDict → key → the docstring below it."""
    classes = [
        node
        for node in syntax_of(inspect.getsource(args)).body
        if isinstance(node, ast.ClassDef) and [ast.unparse(base) for base in node.bases] == ["TypedDict"]
    ]
    return {
        node.name: {
            key.target.id: " ".join(text.value.value.split())
            for key, text in zip(node.body, node.body[1:], strict=False)
            if isinstance(key, ast.AnnAssign)
            and isinstance(key.target, ast.Name)
            and isinstance(text, ast.Expr)
            and isinstance(text.value, ast.Constant)
            and isinstance(text.value.value, str)
        }
        for node in classes
    }


def test_every_part_of_a_spec_has_a_python_form() -> None:
    assert described().keys() == MODELS.keys()
    assert {*MODELS.values()} == {*Part.__subclasses__()} - {Reach}


@pytest.mark.parametrize("name", MODELS)
def test_the_keys_are_those_of_the_model(name: str) -> None:
    form, fields = getattr(args, name), MODELS[name].model_fields

    own = REACH.get(name, set())
    assert form.__required_keys__ | form.__optional_keys__ == fields.keys() | own
    assert form.__required_keys__ - own == {key for key, field in fields.items() if field.is_required()}


@pytest.mark.parametrize("name", MODELS)
def test_every_key_is_described_with_the_default_of_the_model(name: str) -> None:
    texts = described()[name]

    assert texts.keys() == MODELS[name].model_fields.keys() | REACH.get(name, set())
    unnamed = {
        key: text
        for key, text in texts.items()
        if (field := MODELS[name].model_fields.get(key)) and not names_default(text, field)
    }
    assert unnamed == {}


@pytest.mark.parametrize("name", MODELS)
def test_a_key_takes_the_words_that_the_model_takes(name: str) -> None:
    form, fields = getattr(args, name).__annotations__, MODELS[name].model_fields

    assert {
        key: missing for key, field in fields.items() if (missing := words(field.annotation) - words(form[key]))
    } == {}


def words(annotation: Any) -> set[str]:
    """The values that a `Literal` anywhere in a type lists."""
    if get_origin(annotation) is Literal:
        return set(get_args(annotation))
    return {word for part in get_args(annotation) for word in words(part)}


def names_default(text: str, field: FieldInfo) -> bool:
    """Whether a docstring says which value a key has by itself; an empty one needs no words."""
    default: Any = field.get_default(call_default_factory=True, validated_data={})
    if field.is_required() or default in (None, [], {}) or isinstance(default, Part):
        return True
    value = repr(default).replace("'", '"') if isinstance(default, bool | int | list | dict) else default
    return f"`{value}` by default" in text
