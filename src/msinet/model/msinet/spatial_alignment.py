"""Position activation: the learned half of the spatial alignment module, for training only (report, section 3.3)."""

from torch import Tensor, nn

from msinet.model.layers import start_weights


class PositionActivation(nn.Module):
    """The self-activation of a map, which positives are aligned with (equation 8).

    Args:
        channels: of the last map, C.
        reduction: of the channels in both 1x1 convolutions; 8 gives 65,664 parameters for 512 channels.
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
