"""Each layout of docs/your-data.md is read as the page says."""

import re
import shlex
from pathlib import Path

import pytest
from PIL import Image

from msinet.data.readers.detect import load_splits

PAGE = Path(__file__).parent.parent / "docs" / "your-data.md"
EXAMPLES = re.findall(r"^```files([^\n]*)\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.M | re.S)


@pytest.mark.parametrize("options, lines", EXAMPLES, ids=[lines.splitlines()[-1][:40] for _, lines in EXAMPLES])
def test_a_layout_is_understood_as_the_page_says(tmp_path, options, lines):
    *files, sentence = lines.splitlines()
    folder = tmp_path / "crops"
    for line in files:
        table, colon, row = line.partition(": ")
        for name in [table] if colon else line.split():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            if colon:
                with (folder / table).open("a", encoding="utf-8") as file:
                    file.write(f"{row}\n")
            else:
                Image.new("RGB", (8, 8), "gray").save(folder / name)
    words = shlex.split(options)
    splits = load_splits(folder, levels=words[1] if words else None)
    assert splits.understood == sentence


def test_the_page_has_an_example_of_every_kind():
    assert len(EXAMPLES) >= 10
