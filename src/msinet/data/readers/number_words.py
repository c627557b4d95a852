"""Words of numbered colours, types and models, from the text file of a published dataset."""

from pathlib import Path

from msinet.data.readers.image_lists import lines_of


def words_of_numbers(file: Path) -> dict[str, str]:
    """Return the word of each number, such as {"1": "yellow"}; empty without the file.

    A line holds a number and a word: "1 yellow" as in VeRi-776, or "yellow 1" as in VehicleID. Other lines are ignored.

    Raises:
        FileError: the file cannot be read.
    """
    lines = [line.split() for line in lines_of(file) if len(line.split()) > 1] if file.is_file() else []
    if all(words[0].isdecimal() for words in lines):
        return {words[0]: " ".join(words[1:]) for words in lines}
    return {words[-1]: " ".join(words[:-1]) for words in lines if words[-1].isdecimal()}
