"""The documentation is read by engineers whose English is second: short sentences, and links that lead somewhere."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.given import pages

MOST_WORDS = 25

LINK = re.compile(r"\[([^\]]*)\]\(([^)]*)\)")
ENDS = re.compile(r"(?<=[.!?])[)*\"]*\s+(?=[^a-z\s])")
"""Where a sentence ends: a full stop, and then anything but a small letter."""


def paragraphs(text: str) -> Iterator[str]:
    """Running text, heading or list item by item, without blocks, tables, comments and the targets of links."""
    text = re.sub(r"^( *)```.*?^\1```$", "\n", text, flags=re.MULTILINE | re.DOTALL)
    text = re.sub(r"<!--.*?-->", "\n", text, flags=re.DOTALL)
    text = re.sub(r"^ *\|.*$", "", text, flags=re.MULTILINE)
    text = re.sub(r"^(#.*)$", r"\1\n", text, flags=re.MULTILINE)
    text = re.sub(r"^ *(?:[-*>]|\d+\.) ", "\n", text, flags=re.MULTILINE)
    text = LINK.sub(r"\1", text)
    for paragraph in re.split(r"\n\s*\n", text):
        if paragraph.strip():
            yield " ".join(paragraph.split())


def sentences(text: str) -> Iterator[str]:
    """Each sentence of running text; code is one word, whatever stands in it."""
    for paragraph in paragraphs(text):
        yield from ENDS.split(re.sub(r"`[^`]*`", "`code`", paragraph))


def words(sentence: str) -> list[str]:
    return [word for word in sentence.split() if re.search(r"\w", word)]


@pytest.mark.parametrize("page", pages.PAGES, ids=lambda page: page.name)
def test_no_sentence_has_more_than_25_words(page: Path) -> None:
    assert [sentence for sentence in sentences(page.read_text()) if len(words(sentence)) > MOST_WORDS] == []


@pytest.mark.parametrize("file", sorted((pages.REPOSITORY / "stacks").glob("*.yaml")), ids=lambda file: file.name)
def test_no_sentence_of_a_stack_files_comments_has_more_than_25_words(file: Path) -> None:
    comments = re.sub(r"^(?! *#).*$", "", file.read_text(), flags=re.MULTILINE)
    text = re.sub(r"^ *# ?", "", comments, flags=re.MULTILINE)

    assert "." in text
    assert [sentence for sentence in sentences(text) if len(words(sentence)) > MOST_WORDS] == []


def test_sentences_are_counted_without_blocks_tables_and_targets_of_links() -> None:
    text = """
# A heading

One `two three four` five, 3.5 times. *Six* seven
eight ([nine](https://example.com/a/b c)). `Ten` is
a word. And so on:

```sh
make a long command with many words
```

| a | table |
|---|---|

- An item of a list.
- Another: with
  a second line. And an end.
<!-- a comment -->
> A quotation
"""

    assert [len(words(sentence)) for sentence in sentences(text)] == [2, 5, 4, 4, 3, 5, 5, 3, 2]


@pytest.mark.parametrize("page", pages.PAGES, ids=lambda page: page.name)
def test_every_link_leads_to_a_page_and_a_heading(page: Path) -> None:
    for _, target in LINK.findall(page.read_text()):
        if re.match(r"https?://", target):
            continue
        path, _, anchor = target.partition("#")
        other = (page.parent / path).resolve() if path else page
        assert other.is_file(), target
        assert not anchor or anchor in anchors(other), target


def anchors(page: Path) -> set[str]:
    """What headings are called in links, as GitHub does it."""
    headings = re.findall(
        r"^#+ (.*)$", re.sub(r"^```.*?^```$", "", page.read_text(), flags=re.MULTILINE | re.DOTALL), re.MULTILINE
    )
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_the_readme_leads_to_every_page() -> None:
    linked = {(pages.README.parent / target.partition("#")[0]) for _, target in LINK.findall(pages.README.read_text())}

    assert set(pages.PAGES) - {pages.README} <= linked


@pytest.mark.parametrize("page", pages.PAGES, ids=lambda page: page.name)
def test_a_page_begins_with_its_title(page: Path) -> None:
    assert re.match(r"# \S", page.read_text())


def test_the_readme_has_some_300_lines() -> None:
    assert len(pages.README.read_text().splitlines()) <= 320
