"""The base of every part of a spec."""

from collections.abc import Mapping
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, model_validator
from pydantic.alias_generators import to_camel
from pydantic_core import PydanticUndefined


class Part(BaseModel):
    """Immutable; keys are camelCase or snake_case outside; an unknown key is an error.

    The docstring below a field is its entry in the reference.
    """

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        alias_generator=to_camel,
        populate_by_name=True,
        # only what validates builds its validator, and with it all that it holds: a program starts 0.08 s sooner
        defer_build=True,
        # a hint costs a search, and `read` says all that pydantic would say
        hide_input_in_errors=True,
    )

    shorthand: ClassVar[str] = ""
    """The key whose value may stand for the whole part."""
    instead: ClassVar[Mapping[str, str]] = {}
    """Istio's key, or one that stands elsewhere → what says the same here."""
    elsewhere: ClassVar[frozenset[str]] = frozenset()
    """Keys that stand here in what the user writes, and that others take off before this model reads the rest."""

    @classmethod
    def __pydantic_init_subclass__(cls, **_: Any) -> None:
        """An empty default is made anew: pydantic would copy it deeply, for each of ten thousand parts."""
        for field in cls.model_fields.values():
            if isinstance(field.default, list | dict) and not field.default:
                field.default_factory, field.default = type(field.default), PydanticUndefined

    @model_validator(mode="before")
    @classmethod
    def _whole(cls, value: Any) -> Any:
        if isinstance(value, Mapping):
            return cls.stated(value)
        return value if not cls.shorthand or isinstance(value, Part) else {cls.shorthand: value}

    @classmethod
    def stated(cls, data: Mapping[Any, Any]) -> Mapping[Any, Any]:
        """The data without each null of a key that may be left out: it states nothing."""
        if all(value is not None for value in data.values()):
            return data
        optional = {
            key
            for name, field in cls.model_fields.items()
            if not field.is_required()
            for key in (name, field.alias or name)
        }
        return {key: value for key, value in data.items() if value is not None or key not in optional}
