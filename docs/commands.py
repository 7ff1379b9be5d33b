"""What the commands and their options are, as their own parsers state it."""

import argparse
from collections.abc import Iterator
from typing import Any, NamedTuple

from mesh_federation.mesh.commands.main import COMMANDS


class Command(NamedTuple):
    """A row of the reference."""

    name: str
    meaning: str


class Option(NamedTuple):
    """A row of the reference: an option of one command."""

    spelling: str
    command: str
    meaning: str


def commands() -> Iterator[Command]:
    """`check FILE…`, with the options that it cannot do without."""
    for command in COMMANDS:
        parser = _Recorded(command.arguments)
        needed = [_spelling(names, settings) for names, settings in parser.stated if settings.get("required")]
        file = "FILE…" if parser.takes_several else "FILE"
        yield Command(" ".join([command.NAME, file, *needed]), command.HELP)


def options() -> Iterator[Option]:
    """Every option of every command."""
    for command in COMMANDS:
        for names, settings in _Recorded(command.arguments).stated:
            if names[0].startswith("-"):
                yield Option(_spelling(names, settings), command.NAME, _meaning(settings))


def _spelling(names: tuple[str, ...], settings: dict[str, Any]) -> str:
    value = settings.get("metavar") or "|".join(settings.get("choices") or [names[0].strip("-").upper()])
    return f"{names[0]} {value}"


def _meaning(settings: dict[str, Any]) -> str:
    return str(settings["help"]).replace("%(default)s", str(settings.get("default")))


class _Recorded(argparse.ArgumentParser):
    """A parser that remembers what it was told."""

    def __init__(self, arguments: Any) -> None:
        self.stated: list[tuple[tuple[str, ...], dict[str, Any]]] = []
        super().__init__(add_help=False)
        arguments(self)

    def add_argument(self, *names: str, **settings: Any) -> Any:
        self.stated.append((names, settings))
        return super().add_argument(*names, **settings)

    @property
    def takes_several(self) -> bool:
        """Whether it takes more than one file."""
        return any(not names[0].startswith("-") and settings.get("nargs") == "+" for names, settings in self.stated)
