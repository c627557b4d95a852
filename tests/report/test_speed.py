import torch

from msinet.model.msinet.architecture import Architecture
from msinet.model.msinet.network import MSINet
from msinet.model.msinet.widths import channels_at
from msinet.report.speed import images_per_second


def test_speed_is_measured_on_the_processor():
    network = MSINet(Architecture.named("veri776"), 3, channels_at(0.25), (32, 32))
    assert images_per_second(network, seconds=0.0) > 0
    assert next(network.parameters()).device == torch.device("cpu")
