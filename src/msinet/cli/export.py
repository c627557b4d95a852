"""The verb `export`."""

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from msinet.cli.bars import bars
from msinet.cli.tables import show_left_out
from msinet.cli.terminal import say
from msinet.data.settings import DataSettings
from msinet.deploy.formats import LARGEST_LOSS, Format, Precision
from msinet.panels import DATA, MACHINE, NETWORK, OUTPUT

if TYPE_CHECKING:
    from msinet.jobs.export import Exported

WEIGHTS_HELP = "Folder with model.safetensors and model.json, or a name that msinet models lists."


def export(
    *,
    model: Annotated[Path, DATA, Parameter(help=WEIGHTS_HELP)],
    out: Annotated[Path, OUTPUT],
    to: Annotated[Format | None, NETWORK] = None,
    precision: Annotated[Precision, NETWORK] = "fp32",
    last_map: Annotated[bool, NETWORK] = False,
    data: Annotated[Path | None, DATA] = None,
    largest_loss: Annotated[float, NETWORK] = LARGEST_LOSS,
    threads: Annotated[int, MACHINE] = 0,
    reading: DataSettings = DataSettings(),
) -> None:
    """Write a model to a file that runs without PyTorch, if its vectors are still those of the model.

    The file takes bytes of RGB images (batch, height, width, 3) and gives vectors of unit length; msinet embed, msinet
    evaluate and msinet.Predictor read it. It is compared with the model on at least 64 images before it takes its place.

    Args:
        out: FILE.onnx for ONNX Runtime, FILE.pt2 for PyTorch's torch.export, or a folder for OpenVINO.
        to: Format: onnx, openvino or torch. By default the one that --out implies.
        precision: fp32; fp16, weights of half the size that are computed with in fp32; bf16, computed in bf16 where the
            processor can; int8, calibrated with the images of --data. docs/deploy.md says which pairs work.
        last_map: A second output, the last map, which activation and matching are drawn from.
        data: Images to compare with, in place of those that ship; query and gallery, where it has them, are scored before
            and after.
        largest_loss: Points of mAP that int8 may lose.
        threads: Threads that the file is timed with; 0 for as many as its runtime wants.
    """
    from msinet.data.readers.unlabelled import load_for_embedding
    from msinet.jobs.export import export_model

    with bars():
        splits = load_for_embedding(data, reading) if data else None
        done = export_model(model, out, to, precision, splits, last_map, largest_loss, threads)
    if splits:
        show_left_out(splits.skipped)
    checked = done.checked
    say(f"  smallest cosine to the model's vectors: {checked.agreement.cosine:.6f} ({checked.agreement.images} images)")
    if done.score_before is not None and checked.score is not None:
        say(f"  mAP: {done.score_before:.1%} before, {checked.score:.1%} after")
    say(f"  time of an image, one at a time, on this machine: {checked.milliseconds:.2f} ms{_budget(done, precision)}")
    say(f"Written to {out}: {done.size / 1e6:.1f} MB")


def _budget(done: "Exported", precision: Precision) -> str:
    """Return the budget of a search that a file keeps: searches time fp32 in two of the formats."""
    if precision != "fp32" or done.file.runtime == "torch":
        return ""
    return f", within --budget-ms {math.ceil(10 * done.checked.milliseconds) / 10:.1f} --on {done.file.runtime}"
