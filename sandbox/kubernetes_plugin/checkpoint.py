"""The state of one resource: the live object as its outputs, and beside it what the program last asked for."""

import secrets
from dataclasses import dataclass
from typing import Any

from .objects import annotation, text
from .values import Properties, mark_secrets, plain, underscored


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What state said, without its secret marks."""

    inputs: Properties
    live: Properties
    initial_api_version: str
    field_manager: str

    def manager(self, inputs: Properties) -> str:
        """The field manager for server-side apply: the annotation's, the remembered one, or a new one."""
        name = annotation(inputs, "pulumi.com/patchFieldManager") or self.field_manager
        return name or f"pulumi-kubernetes-{secrets.token_hex(4)}"

    def version(self, inputs: Properties) -> str:
        return self.initial_api_version or text(inputs, "apiVersion")


def read(state: Properties) -> Checkpoint:
    live: dict[str, Any] = plain(state)
    inputs = live.pop("__inputs", {})
    return Checkpoint(
        inputs=inputs if isinstance(inputs, dict) else {},
        initial_api_version=text({"v": live.pop("__initialApiVersion", "")}, "v"),
        field_manager=text({"v": live.pop("__fieldManager", "")}, "v"),
        live=live,
    )


def write(checkpoint: Checkpoint, secrets_from: Properties) -> Properties:
    """What is secret in `secrets_from` is secret in state, in the inputs as in the live object."""
    state: Properties = underscored(checkpoint.live)
    inputs: Properties = underscored(checkpoint.inputs)
    mark_secrets(state, secrets_from)
    mark_secrets(inputs, secrets_from)
    return {
        **state,
        "__inputs": inputs,
        "__initialApiVersion": checkpoint.initial_api_version,
        "__fieldManager": checkpoint.field_manager,
    }
