"""The learned half of the spatial alignment module (report, section 3.3, figure 2); for training only."""

from torch import Tensor, nn

from msinet.model.layers import start_weights


class PositionActivation(nn.Module):
    """What a map says of its own positions: the self-activation that positives are aligned with (equation 8).

    Args:
        channels: of the last map, C.
        reduction: how many times fewer channels both 1x1 convolutions have; 8 makes 65,664 parameters of 512 channels.
    """

    def __init__(self, channels: int, reduction: int = 8) -> None:
        super().__init__()
        self.query = nn.Conv2d(channels, channels // reduction, 1)
        self.key = nn.Conv2d(channels, channels // reduction, 1)
        start_weights(self)

    def forward(self, maps: Tensor) -> Tensor:
        """Map (B, C, h, w) to (B, h * w): each position's largest product with any position of the same image."""
        maps = maps.to(self.query.weight.dtype)
        queries, keys = self.query(maps).flatten(2), self.key(maps).flatten(2)  # (B, C / 8, N)
        return (queries.mT @ keys).max(2).values
