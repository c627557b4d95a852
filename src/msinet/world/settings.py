"""Settings of a synthetic world. Imports nothing heavy: the command line reads it."""

from dataclasses import dataclass
from typing import Literal, get_args

from cyclopts import Parameter

from msinet.errors import SettingsError
from msinet.panels import WORLD

City = Literal["day", "overcast", "dusk", "night", "rain", "mixed"]


@WORLD
@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class WorldSettings:
    """Settings of the vehicles, cameras and images that `make_world` makes."""

    identities: int = 200
    """Number of vehicles."""
    cameras: int = 8
    """Number of cameras; each sees every vehicle."""
    images_per_camera: int = 1
    """Images of a vehicle in each camera: one track, in which the vehicle drives on."""
    size: int = 128
    """Longest side of an image in pixels; images of vehicles that a camera resolves less finely are smaller."""
    seed: int = 0
    """Seed of the vehicles, the cameras and every image."""
    city: City = "day"
    """Weather and time of day; in mixed, each camera has its own."""
    difficulty: float = 0.5
    """Difficulty from 0 to 1: differences between cameras, bad images, and objects in front."""
    test_share: float = 0.25
    """Share of the vehicles for testing; they never appear in training."""

    def __post_init__(self) -> None:
        for name, least, most in (
            ("identities", 2, None),
            ("cameras", 1, 999),
            ("images_per_camera", 1, 999),
            ("size", 16, 2048),
            ("seed", 0, None),
            ("difficulty", 0, 1),
            ("test_share", 0, 1),
        ):
            value = getattr(self, name)
            if not least <= value or (most is not None and not value <= most):
                rule = f"must be at least {least}" if most is None else f"must lie from {least} to {most}"
                raise SettingsError(f"{name} is {value}: it {rule}", name)
        if self.city not in get_args(City):
            raise SettingsError(f"city is {self.city!r}: choose one of {', '.join(get_args(City))}", "city")
        if self.cameras == 1 and self.test_share:
            raise SettingsError(
                "cameras is 1: no query has a match in another camera; take more, or set test_share to 0",
                "cameras",
                "test_share",
            )

    @property
    def test_identities(self) -> int:
        """Number of test vehicles: the last ones."""
        if self.test_share in (0, 1):
            return round(self.identities * self.test_share)
        return min(max(1, round(self.identities * self.test_share)), self.identities - 1)
