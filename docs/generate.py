"""`make docs`: writes what the documentation and the code must say alike, from the code.

A page holds a region between `<!-- generated: NAME -->` and `<!-- end -->` for each such part; the rest is by hand.
"""

import ast
import re
import sys
import textwrap
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from mesh_federation.mesh import requirements
from mesh_federation.mesh.errors import spelled
from mesh_federation.mesh.requirements import Requirement

from docs import commands, keys, problems

REPOSITORY = Path(__file__).parents[1]
PAGES = tuple(REPOSITORY / page for page in ("README.md", "docs/problems.md", "docs/reference.md"))
WIDTH = 120
REGION = re.compile(r"(<!-- generated: (?P<name>[\w ]+) -->\n).*?(<!-- end -->)", re.DOTALL)


def main() -> int:
    """Prints which pages have changed; the exit code is 0."""
    for page in PAGES:
        before = page.read_text()
        after = generated(before)
        if after != before:
            page.write_text(after)
            print(page.relative_to(REPOSITORY))
    return 0


def generated(text: str) -> str:
    """The page with each region as the code has it now. Raises `KeyError` for a region that nobody writes."""
    return REGION.sub(lambda match: f"{match[1]}\n{REGIONS[match['name']]()}\n\n{match[3]}", text)


def sentences(group: Iterable[Requirement]) -> str:
    """A list of the requirements, said of any cluster."""
    return "\n".join(
        _wrapped(requirement.text.format_map(requirements.ANY_CLUSTER), bullet="- ") for requirement in group
    )


def tables() -> str:
    """A table for each part of the spec."""
    return "\n\n".join(_part(part) for part in keys.parts())


def _part(part: keys.Part) -> str:
    rows = [(f"`{key.name}`", key.type, key.default, key.meaning) for key in part.keys]
    table = _table(("key", "type", "default", "meaning"), rows)
    return "\n\n".join([f"### {part.heading}", *([_wrapped(part.meaning)] if part.meaning else []), table])


def outputs() -> str:
    """A table of the component's outputs, by the docstrings of its attributes."""
    source = (REPOSITORY / "components" / "federation.py").read_text()
    (component,) = (
        node for node in ast.parse(source).body if isinstance(node, ast.ClassDef) and node.name == "MeshFederation"
    )
    return _table(("output", "content"), [(f"`{name}`", text) for name, text in _attributes(component)])


def _attributes(component: ast.ClassDef) -> Iterator[tuple[str, str]]:
    for statement, following in zip(component.body, component.body[1:], strict=False):
        match statement, following:
            case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(text))):
                yield name, " ".join(text.split())


def command_table() -> str:
    """A table of the commands."""
    rows = [(f"`{command.name}`", command.meaning) for command in commands.commands()]
    return _table(("command", "does"), rows)


def option_table() -> str:
    """A table of the options of all commands."""
    rows = [(f"`{_escaped(option.spelling)}`", f"`{option.command}`", option.meaning) for option in commands.options()]
    return _table(("option", "of", "meaning"), rows)


def problem_table() -> str:
    """A table of all problems, each with an example."""
    rows = [
        (f"`{problem.name}`", problem.level, _escaped(f"`{spelled(problem.path)}`: {problem.message}"))
        for problem in problems.examples()
    ]
    return _table(("name", "level", "example"), rows)


def _escaped(text: str) -> str:
    return text.replace("|", "\\|")


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    return "\n".join([_row(head), "|" + "---|" * len(head), *map(_row, rows)])


def _row(cells: Sequence[str]) -> str:
    return f"|{'|'.join(f' {cell} ' if cell else ' ' for cell in cells)}|"


def _wrapped(text: str, bullet: str = "") -> str:
    return textwrap.fill(
        text,
        WIDTH,
        initial_indent=bullet,
        subsequent_indent=" " * len(bullet),
        break_long_words=False,
        break_on_hyphens=False,
    )


REGIONS: Mapping[str, Callable[[], str]] = {
    "every cluster": lambda: sentences(requirements.EVERY_CLUSTER),
    "client clusters": lambda: sentences(requirements.CLIENT_CLUSTERS),
    "serving clusters": lambda: sentences(requirements.SERVING_CLUSTERS),
    "keys": tables,
    "outputs": outputs,
    "commands": command_table,
    "options": option_table,
    "problems": problem_table,
}

if __name__ == "__main__":
    sys.exit(main())
