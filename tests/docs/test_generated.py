"""What comes from the code is current: the reference's tables, and the sentences of "Before you start"."""

import re
from pathlib import Path

import pytest
from mesh_federation.mesh import requirements

from docs import generate, keys
from tests.given import broken, pages

REFERENCE = pages.REPOSITORY / "docs" / "reference.md"


@pytest.mark.parametrize("page", generate.PAGES, ids=lambda page: page.name)
def test_a_page_is_what_make_docs_writes(page: Path) -> None:
    text = page.read_text()

    assert "<!-- generated: " in text
    assert generate.generated(text) == text, "run `make docs`"


def test_a_region_is_written_anew_and_the_rest_stays() -> None:
    text = "Before.\n\n<!-- generated: client clusters -->\nold\n<!-- end -->\n\nAfter.\n"

    assert re.fullmatch(
        r"Before\.\n\n<!-- generated: client clusters -->\n\n- Nothing sets .*\n\n<!-- end -->\n\nAfter\.\n",
        generate.generated(text),
        re.DOTALL,
    )


def rows(heading: str) -> dict[str, list[str]]:
    """Key → cells of its row, in the table below a heading of the reference."""
    lines = [line for line in pages.section(REFERENCE, heading).splitlines() if line.startswith("| `")]
    cells = [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]
    return {row[0].strip("`"): row for row in cells}


@pytest.mark.parametrize(
    ("heading", "key", "type_", "default"),
    [
        ("Top level", "clusters", "map: DNS label → map", "required"),
        ("Top level", "settleSeconds", "seconds, 0 to 3600", "`12`"),
        ("`clusters.<name>`", "trustDomain", "text", "`cluster.local`"),
        ("`clusters.<name>`", "locality", "locality", ""),
        ("`clusters.<name>`", "context", "text", ""),
        ("`clusters.<name>.istio`", "version", "`1.27`, `1.28`, `1.29`, `1.30`, `1.31`, `1.32`", ""),
        ("`clusters.<name>.istio`", "namespace", "DNS label", "`istio-system`"),
        ("`clusters.<name>.gateway`", "addresses", "list: gateway address or map", "required"),
        ("`clusters.<name>.gateway`", "selector", "labels", "`{istio: eastwestgateway}`"),
        ("`clusters.<name>.gateway`", "manage", "true or false", "`true`"),
        ("`services[]`", "importedBy", "list: DNS label or map", "`[]`"),
        ("`services[].clusters.<name>`", "subsets", "map: DNS label → labels", "`{}`"),
        ("`traffic[].clients`", "clusters", "list: DNS label", "required"),
        ("`traffic[].http[].route[]`", "weight", "weight, 0 or more", ""),
        ("`addresses`", "pool", "network", "`240.0.0.0/12`"),
    ],
)
def test_the_reference_shows_a_key_with_its_type_and_default(heading: str, key: str, type_: str, default: str) -> None:
    assert rows(heading)[key][1:3] == [type_, default]


def test_every_key_has_a_meaning() -> None:
    assert [f"{part.heading} {key.name}" for part in keys.parts() for key in part.keys if not key.meaning] == []


def test_every_output_is_in_the_reference() -> None:
    assert rows("Outputs").keys() == {"addresses", "hosts", "requirements", "traffic", "trust"}


def test_every_command_and_option_is_in_the_reference() -> None:
    described = rows("Commands")

    assert {"check FILE…", "render FILE --out DIR", "adopt FILE --state FILE --out FILE"} <= described.keys()
    assert {"--addresses FILE", "--found CLUSTER=FILE", "--name NAME", "--stack NAME"} <= described.keys()


def test_every_problem_that_a_broken_file_expects_is_listed() -> None:
    names = re.findall(r"^\| `([\w-]+)` \|", (pages.REPOSITORY / "docs" / "problems.md").read_text(), re.MULTILINE)

    assert set(names) >= {
        expected.name for file in broken.BROKEN for expected in broken.expectations(file.read_text())
    } - {None}


def test_the_readme_lists_every_requirement_in_order() -> None:
    listed = re.findall(
        r"^- (.*?)(?=\n- |\n\n)", pages.section(pages.README, "Before you start"), re.MULTILINE | re.DOTALL
    )
    sentences = [" ".join(item.split()) for item in listed]

    assert sentences[0] == "Istio runs on the cluster itself, in release 1.27 to 1.32."
    assert sentences == [item.text.format_map(requirements.ANY_CLUSTER) for item in requirements.REQUIREMENTS]
