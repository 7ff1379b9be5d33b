"""The documentation as tests read it: its pages, the blocks in them, and the commands that a reader would type."""

import re
import shlex
import textwrap
from pathlib import Path
from typing import NamedTuple

import yaml

from tests.given.specs import Spec, spec_of_config

REPOSITORY = Path(__file__).parents[2]
README = REPOSITORY / "README.md"
PAGES = (README, *sorted((REPOSITORY / "docs").glob("*.md")))

_FENCE = re.compile(r"^( *)```(\w*)\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)
_INLINE = re.compile(r"`((?:make|pulumi) [^`…]+|python -m (?:tests|sandbox)\.[^`…]+)`")


class Block(NamedTuple):
    """A fenced block; `line` is where it begins."""

    page: Path
    line: int
    language: str
    text: str

    def __str__(self) -> str:
        return f"{self.page.name}:{self.line} {self.language}"

    @property
    def file(self) -> str | None:
        """The file that the block shows, if its first line names one: `# stacks/Pulumi.review.yaml`."""
        named = re.match(r"# (stacks/Pulumi\.[\w-]+\.yaml)\n", self.text)
        return named[1] if named else None


def blocks(*languages: str, page: Path | None = None) -> list[Block]:
    """The blocks in one of these languages, or in any; of one page, or of all."""
    return [
        Block(path, text.count("\n", 0, fence.start()) + 1, fence[2], textwrap.dedent(fence[3]))
        for path in (PAGES if page is None else (page,))
        for text in [path.read_text()]
        for fence in _FENCE.finditer(text)
        if not languages or fence[2] in languages
    ]


def dialogue(block: Block) -> list[tuple[str, str]]:
    """The commands of a `console` block, each with what it prints."""
    parts = re.split(r"^\$ ", block.text, flags=re.MULTILINE)[1:]
    return [(command, output) for command, _, output in (part.partition("\n") for part in parts)]


def commands() -> list[str]:
    """Every command, without comments and redirections; those in running text, too, where they are whole."""
    lines = [line for block in blocks("sh") for line in block.text.splitlines()]
    lines += [command for block in blocks("console") for command, _ in dialogue(block)]
    lines += [command for page in PAGES for command in _INLINE.findall(page.read_text())]
    return [re.sub(r" +[<>] *\S+", "", re.sub(r"(^| +)#.*", "", line)) for line in lines if line.strip()]


def arguments_of(program: str) -> list[list[str]]:
    """The arguments of every call of `program`, without the environment variables before it."""
    wanted = program.split()
    calls = [_without_environment(shlex.split(command)) for command in commands()]
    return [words[len(wanted) :] for words in calls if words[: len(wanted)] == wanted]


def _without_environment(words: list[str]) -> list[str]:
    while words and re.fullmatch(r"[A-Z0-9_]+=.*", words[0]):
        words = words[1:]
    return words


def section(page: Path, heading: str) -> str:
    """What stands below a heading of any level, up to the next of that level or a higher one."""
    pattern = rf"^(#+) {re.escape(heading)}\n(.*?)(?=^#{{1,6}} |\Z)"
    match = re.search(pattern, _without_blocks(page.read_text()), re.MULTILINE | re.DOTALL)
    assert match, f"{page.name} has no section {heading!r}"
    return match[2]


def _without_blocks(text: str) -> str:
    """A comment in a block looks like a heading."""
    return _FENCE.sub("", text)


def first_spec() -> Spec:
    """The README's first spec, which the fragments of every page change."""
    return spec_of_config(yaml.safe_load(blocks("yaml", page=README)[0].text)["config"])


def spec_at(block: Block) -> Spec:
    """What a block speaks of: the last spec that its page states up to it, or else the README's first."""
    spec = first_spec()
    for other in blocks("yaml", page=block.page):
        content = yaml.safe_load(other.text)
        if other.line > block.line or other.file:
            continue
        if "config" in content:
            spec = spec_of_config(content["config"])
        elif all(key.startswith("mesh:") for key in content):
            spec = {**first_spec(), **spec_of_config(content)}
    return spec
