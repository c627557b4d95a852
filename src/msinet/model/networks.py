"""The kinds of network, and building one by its name."""

import torch

from msinet.errors import SettingsError
from msinet.model.msinet.architecture import Architecture
from msinet.model.msinet.network import MSINet
from msinet.model.network import Network
from msinet.model.osnet import OSNet
from msinet.model.timm_network import TimmNetwork

NETWORKS: dict[str, type[Network]] = {"msinet": MSINet, "osnet": OSNet, "timm": TimmNetwork}
"""Kinds of network. A kind is one file, and one line here."""


def build_network(
    architecture: Architecture | str, identities: int, image_size: tuple[int, int], width: float = 1.0
) -> Network:
    """Return a network with initial weights.

    Args:
        architecture: MSINet's, or the name of another kind of network; KIND:NAME names one of a kind that has several.
        identities: number of training identities.
        image_size: (height, width) in pixels.
        width: multiple of the published channels.

    Raises:
        SettingsError: there is no such network, or it has no such width or image size.
        MissingExtraError: the kind needs a package that is not installed.
    """
    if isinstance(architecture, Architecture):
        return MSINet.build(identities, image_size, width, architecture)
    kind, _, name = architecture.partition(":")
    if kind not in NETWORKS:
        raise SettingsError(f"no network is named {architecture!r}: choose one of {', '.join(NETWORKS)}")
    return NETWORKS[kind].build(identities, image_size, width, name or None)


def find_architecture(name_or_file: str) -> Architecture | str:
    """Return what a command line names: another kind of network, or one of MSINet's architectures (`Architecture.find`)."""
    return name_or_file if names_other_kind(name_or_file) else Architecture.find(name_or_file)


def names_other_kind(name: str) -> bool:
    """Return whether a name is that of a network of another kind than MSINet: KIND, or KIND:NAME."""
    kind = name.partition(":")[0]
    return kind in NETWORKS and kind != MSINet.kind


def require_network(name: str, image_size: tuple[int, int]) -> str:
    """Return the name of a network of another kind than MSINet that can be built: none is, so this takes no time.

    Raises:
        SettingsError: there is no such network, or it does not take such images.
        MissingExtraError: the kind needs a package that is not installed.
    """
    if not names_other_kind(name):
        others = ", ".join(kind for kind in NETWORKS if kind != MSINet.kind)
        raise SettingsError(f"network is {name!r}: choose one of {others}; MSINet is given by its architecture", "network")
    with torch.device("meta"):  # Shapes without numbers.
        build_network(name, 1, image_size)
    return name


def describe_architecture(architecture: Architecture | str) -> dict:
    """Return as plain values what is built, to tell runs apart."""
    return architecture.to_dict() if isinstance(architecture, Architecture) else {"network": architecture}
