"""The kinds of network, and building one by its name."""

from msinet.errors import SettingsError
from msinet.model.msinet.architecture import Architecture
from msinet.model.msinet.network import MSINet
from msinet.model.network import Network

NETWORKS: dict[str, type[Network]] = {"msinet": MSINet}
"""Kinds of network. A kind is one file, and one line here."""


def build_network(
    architecture: Architecture | str, identities: int, image_size: tuple[int, int], width: float = 1.0
) -> Network:
    """Return a network with initial weights.

    Args:
        architecture: MSINet's, or the name of another kind of network.
        identities: number of training identities.
        image_size: (height, width) in pixels.
        width: multiple of the published channels.

    Raises:
        SettingsError: there is no such kind of network, or it has no such width.
    """
    if isinstance(architecture, Architecture):
        return MSINet.build(identities, image_size, width, architecture)
    if architecture not in NETWORKS:
        raise SettingsError(f"no network is named {architecture!r}: choose one of {', '.join(NETWORKS)}")
    return NETWORKS[architecture].build(identities, image_size, width)


def find_architecture(name_or_file: str) -> Architecture | str:
    """Return what a command line names: another kind of network, or one of MSINet's architectures (`Architecture.find`)."""
    return name_or_file if name_or_file in NETWORKS and name_or_file != MSINet.kind else Architecture.find(name_or_file)


def describe_architecture(architecture: Architecture | str) -> dict:
    """Return as plain values what is built, to tell runs apart."""
    return architecture.to_dict() if isinstance(architecture, Architecture) else {"network": architecture}
