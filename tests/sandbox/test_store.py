"""What takes minutes is done once, however many want it, and never half."""

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from sandbox import store


def test_of_those_that_want_the_same_at_the_same_time_one_fills_it(tmp_path: Path) -> None:
    fills: list[Path] = []

    def fill(new: Path) -> None:
        fills.append(new)
        time.sleep(0.2)
        (new / "program").touch()

    def programs(_: int) -> list[str]:
        return [file.name for file in store.filled(tmp_path / "store" / "go-1.26.6", fill).iterdir()]

    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(programs, range(4)))

    assert results == [["program"]] * 4
    assert len(fills) == 1


def test_what_could_not_be_filled_is_not_there_and_is_tried_again(tmp_path: Path) -> None:
    def fail(new: Path) -> None:
        (new / "half").touch()
        raise OSError("no space left")

    with pytest.raises(OSError, match="no space left"):
        store.filled(tmp_path / "go-1.26.6", fail)
    assert not (tmp_path / "go-1.26.6").exists()

    store.filled(tmp_path / "go-1.26.6", lambda new: (new / "whole").touch())
    assert [file.name for file in (tmp_path / "go-1.26.6").iterdir()] == ["whole"]
