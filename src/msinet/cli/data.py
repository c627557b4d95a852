"""The verbs `data check` and `data make`."""

from typing import Annotated

from cyclopts import Parameter

from msinet.cli.bars import bars
from msinet.cli.options import Data, Out
from msinet.cli.tables import show_findings
from msinet.cli.terminal import say
from msinet.data.settings import DataSettings, Format
from msinet.errors import DatasetError
from msinet.panels import DATA, MACHINE, OUTPUT
from msinet.world.settings import WorldSettings


def check(
    data: Data,
    *,
    json: Annotated[bool, OUTPUT, Parameter(negative=())] = False,
    format: Annotated[Format | None, DATA] = None,
    levels: Annotated[str | None, DATA] = None,
    split_seed: Annotated[int, DATA] = 0,
) -> None:
    """Find what is wrong with a dataset. The exit code is 1 where something would spoil training or scores.

    Args:
        json: Findings as JSON, for programs, instead of a table.
        format: Layout of the dataset; recognised by default.
        levels: Meaning of each level of folders, such as split/camera/identity: split, identity, camera, track, or a label's
            name.
        split_seed: Seed that halves the identities into train and test where the dataset has no splits.
    """
    from msinet.data.doctor.checks import examine
    from msinet.data.doctor.report import report_of
    from msinet.data.readers.detect import read_as_it_is

    with bars():
        splits = read_as_it_is(data, DataSettings(format=format, levels=levels, split_seed=split_seed))
        findings = examine(splits)
    if json:
        say(report_of(splits, findings))
    else:
        show_findings(splits, findings)
    if any(finding.spoils for finding in findings):
        raise DatasetError("some of this would spoil training or scores")


def make(out: Out, *, processes: Annotated[int | None, MACHINE] = None, settings: WorldSettings = WorldSettings()) -> None:
    """Make a dataset of synthetic vehicles, in the layout of VeRi-776. Stopped and started again, it resumes.

    Args:
        out: Folder for the images and their lists.
        processes: Processes that make images; by default one per core. Their number does not change the images.
    """
    from msinet.world.dataset import make_world

    with bars():
        make_world(out, settings, processes)
    images = settings.identities * settings.cameras * settings.images_per_camera
    train, test = settings.identities - settings.test_identities, settings.test_identities
    say(f"Written to {out}: {images} images of {settings.identities} vehicles, {train} train, {test} test")
