"""Each case in mistakes/*.txt spoils one place of the small project and gets exactly its lines."""

from dataclasses import dataclass
from pathlib import Path

import pytest

CASES = Path(__file__).parent / "mistakes"


@dataclass(frozen=True)
class Case:
    file: str
    old: str
    new: str
    told: list[str]


def cases():
    for path in sorted(CASES.glob("*.txt")):
        for text in path.read_text(encoding="utf-8").split("\n# ")[1:]:
            title, place, *lines = text.rstrip("\n").split("\n")
            old, new = ("\n".join(line[1:] for line in lines if line.startswith(mark)) for mark in "-+")
            told = [line.removeprefix("! ") for line in lines if line.startswith("! ")]
            removed_whole_line = old and not new
            case = Case(place.removeprefix("in "), f"{old}\n" if removed_whole_line else old, new, told)
            yield pytest.param(case, id=f"{path.stem.replace('_', ' ')}: {title}")


@pytest.mark.parametrize("case", list(cases()))
def test_a_mistake_is_told_by_file_line_field_and_what_to_do(shop, case):
    if case.old:
        shop.change(case.file, case.old, case.new)
    else:
        shop.write(case.file, case.new)

    assert shop.mistakes() == case.told
