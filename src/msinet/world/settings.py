"""What a synthetic world is made from. Imports nothing heavy: the command line reads it."""

from dataclasses import dataclass
from typing import Literal, get_args

from cyclopts import Parameter

from msinet.errors import SettingsError

City = Literal["day", "overcast", "dusk", "night", "rain", "mixed"]


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class WorldSettings:
    """What `make_world` makes."""

    identities: int = 200
    """Vehicles."""
    cameras: int = 8
    """Cameras; each sees every vehicle."""
    images_per_camera: int = 1
    """Images of a vehicle in each camera: one track, a little further along the road each."""
    size: int = 128
    """Longest side of an image in pixels; what a camera resolves less finely is smaller."""
    seed: int = 0
    """Fixes the vehicles, the cameras and every image."""
    city: City = "day"
    """Weather and hour. In mixed each camera has its own."""
    difficulty: float = 0.5
    """From 0 to 1: how much the cameras differ, how bad they are, and how much stands in front."""
    test_share: float = 0.25
    """Share of the vehicles that are for testing; none of them is among those for training."""

    def __post_init__(self) -> None:
        for name, least in (("identities", 2), ("cameras", 1), ("images_per_camera", 1), ("size", 16)):
            if getattr(self, name) < least:
                raise SettingsError(f"{name} is {getattr(self, name)}, but must be at least {least}")
        if self.cameras > 999 or self.images_per_camera > 999:
            raise SettingsError("the names of the images have room for 999 cameras, and for 999 images of a vehicle in one")
        if self.size > 2048:
            raise SettingsError(f"size is {self.size}, but images have at most 2048 pixels a side")
        if not 0 <= self.difficulty <= 1:
            raise SettingsError(f"difficulty is {self.difficulty}, but goes from 0 to 1")
        if not 0 <= self.test_share <= 1:
            raise SettingsError(f"test_share is {self.test_share}, but is a share, from 0 to 1")
        if self.cameras == 1 and self.test_share:
            raise SettingsError("with one camera no query has a right answer in another: take more, or a test_share of 0")
        if self.city not in get_args(City):
            raise SettingsError(f"there is no city {self.city!r}: choose one of {', '.join(get_args(City))}")
        if self.seed < 0:
            raise SettingsError(f"seed is {self.seed}, but must not be negative")

    @property
    def test_identities(self) -> int:
        """How many vehicles are for testing: the last ones."""
        if self.test_share in (0, 1):
            return round(self.identities * self.test_share)
        return min(max(1, round(self.identities * self.test_share)), self.identities - 1)
