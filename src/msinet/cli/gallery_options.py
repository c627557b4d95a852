"""Options that several verbs of `gallery` have."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from msinet.cli.options import SEVERAL
from msinet.panels import DATA, OUTPUT, SCORING

Place = Annotated[str, DATA, Parameter(help="Folder of the gallery, or milvus://HOST:PORT/NAME.")]
Incoming = Annotated[Path, DATA, Parameter(help="Image, folder, table, or file that msinet embed wrote.")]
Model = Annotated[
    Path | None, DATA, Parameter(help="Model in place of the one that the gallery remembers, such as an export of it.")
]
Only = Annotated[
    tuple[str, ...], DATA, SEVERAL, Parameter(name="--only", help="Label that images have to have, NAME=VALUE: camera=7.")
]
Split = Annotated[str, DATA, Parameter(help="Split to take: train, validation, query, gallery or all.")]
AsJson = Annotated[bool, OUTPUT, Parameter(name="--json", negative=(), help="Print JSON, for programs.")]
Cameras = Annotated[tuple[str, ...], SCORING, SEVERAL]
When = Annotated[str | None, SCORING]
Fields = Annotated[tuple[str, ...], SCORING, SEVERAL]
