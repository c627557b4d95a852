"""Names that are not UTF-8, and signs that an encoding lacks."""

import json
import os
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from msinet.files.text import LEGIBLE, json_bytes, legible

BYTES = [b"\xb3\xb5001", b"caf\xe9/\xff.jpg", "Größe/车".encode(), b"\xe8\xbd", b"[/x]\xa0"]
"""Names of files: Windows-1252, GB 18030, UTF-8, half a character."""


@pytest.mark.parametrize("name", BYTES)
def test_a_name_of_any_bytes_is_the_same_after_json(name):
    text = os.fsdecode(name)
    written = json_bytes(json.dumps({text: [text]}, ensure_ascii=False))
    assert json.loads(written.decode()) == {text: [text]}
    assert os.fsencode(next(iter(json.loads(written)))) == name


@given(st.text())
def test_json_of_other_text_is_utf_8_as_before(text):
    assert json_bytes(text) == text.encode()


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("\udcb3\udcb5001", r"\xb3\xb5001"),
        ("a\x1b[31mred\x07", r"a\x1b[31mred\x07"),
        ("tab\tand\rreturn", r"tab\tand\rreturn"),
        ("\x9b2J", r"\u009b2J"),
        ("\ud83d", r"\ud83d"),
        ("Größe 车\n±", "Größe 车\n±"),
    ],
)
def test_what_cannot_be_shown_is_escaped_and_nothing_else(text, seen):
    assert legible(text) == seen


@pytest.mark.parametrize(
    ("encoding", "seen"),
    [
        ("ascii", r"+/-0.3 ... \u00e9 \u8f66 \U0001f697 -"),
        ("cp1252", r"±0.3 … é \u8f66 \U0001f697 -"),
        ("utf-8", "±0.3 … é 车 🚗 ━"),
    ],
)
def test_signs_that_an_encoding_lacks_have_stand_ins(encoding, seen):
    assert legible("±0.3 … é 车 🚗 ━", encoding) == seen


@given(st.text(st.characters()), st.sampled_from(["ascii", "cp1252", "utf-8", "gb18030", "latin-1"]))
def test_any_text_can_be_written_in_any_encoding(text, encoding):
    seen = legible(text, encoding)
    assert seen.encode(encoding).decode(encoding) == seen
    assert len(text.encode(encoding, LEGIBLE)) >= len(text)


@pytest.mark.parametrize("variables", [{"PYTHONIOENCODING": "ascii"}, {"PYTHONIOENCODING": "cp1252"}, {"LC_ALL": "C"}])
def test_a_narrow_terminal_gets_lines_errors_and_tables(variables):
    code = r"""
from msinet.cli.terminal import say, show_error, show_table, write_legibly
write_legibly()
say("Größe\udcb3 ±1")
show_table(["caméra"], [["c\udcff[x]"]])
print("\udcb3 …")
show_error("车\udcb3")
"""
    environment = {**os.environ, **variables, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, env=environment)
    assert rb"\xb3" in done.stdout and rb"c\xff[x]" in done.stdout and rb"\xb3" in done.stderr
