"""Converting checkpoints of the published implementation."""

import pytest
import torch
from safetensors.torch import load_file

from msinet.cli.app import main
from msinet.model.msinet.architecture import Architecture
from msinet.model.msinet.network import MSINet
from msinet.model.msinet.published import our_name


def test_convert_names_what_it_leaves_out(tmp_path, capsys):
    ours = MSINet(Architecture.uniform("none"), 3).state_dict()
    published = {name: ours[our_name(name)] for name in published_names() if our_name(name) in ours}
    published["align_module.pos_pam.query_conv.bias"] = torch.zeros(64)
    torch.save({"state_dict": published}, tmp_path / "old.pth")
    with pytest.raises(SystemExit) as stop:
        main(["convert", str(tmp_path / "old.pth"), f"--out={tmp_path / 'new'}", "--architecture=all:none"])
    assert not stop.value.code
    assert "align_module" in capsys.readouterr().out
    written = load_file(tmp_path / "new/model.safetensors")
    assert all(torch.equal(written[name], ours[name]) for name in ours if "num_batches" not in name)


def published_names() -> list[str]:
    """Return the published names of all tensors of a network whose interactions have none."""
    norm = ["weight", "bias", "running_mean", "running_var"]
    block = ["conv.weight", *(f"bn.{n}" for n in norm)]
    light = ["conv1.weight", "conv2.weight", *(f"bn.{n}" for n in norm)]
    names = [f"conv1.{n}" for n in block] + [f"cells.{c}.0.{n}" for c in (2, 5) for n in block]
    for cell in (0, 1, 3, 4, 6, 7):
        blocks = ["conv1a", "conv1b", "conv4a", "conv4b", *(["downsample"] if cell in (0, 3, 6) else [])]
        lights = ["conv2a", "conv3a", *(f"conv{i}b.{j}" for i in (2, 3) for j in range(3))]
        names += [f"cells.{cell}.{b}.{n}" for b in blocks for n in block]
        names += [f"cells.{cell}.{b}.{n}" for b in lights for n in light]
    for head in ("", "f_"):
        names += [
            f"{head}fc.weight",
            *(f"{head}head.{n}" for n in norm),
            f"{head}classifier.weight",
            f"{head}classifier.bias",
        ]
    return [*names, "f_conv.weight", "f_conv.bias"]
