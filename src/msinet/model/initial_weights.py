"""Initial weights of a network from those of another: what fits is taken."""

import re
from collections.abc import Mapping

import torch
from torch import Tensor, nn

from msinet.errors import ModelError, SettingsError
from msinet.model.cards import Card
from msinet.model.model_files import load_model
from msinet.model.msinet.architecture import Architecture
from msinet.model.msinet.network import MSINet
from msinet.model.msinet.supernet import Supernet
from msinet.model.msinet.widths import WIDTHS, channels_at
from msinet.model.network import Network
from msinet.model.networks import NETWORKS
from msinet.model.zoo import find_model

PLACE = re.compile(
    r"(?P<before>backbone\.stages\.(?P<stage>\d+)\.cells\.(?P<cell>\d+)\.interactions\.(?P<number>\d+)\.)(?P<rest>.+)"
)
"""Name of a tensor of the interaction at a place."""


def start_from(network: Network, init: str) -> list[str]:
    """Give a network the weights of a model, as far as they fit; the classifiers begin anew.

    Args:
        network: with initial weights.
        init: folder of the model, or the name of one that ships.

    Returns:
        What was not taken, in words; empty where everything but the classifiers was.

    Raises:
        ModelError: the model cannot be read, or nothing of it fits.
        SettingsError: the model is of another kind, or of another width.
    """
    source = load_model(init)
    if source.kind != network.kind:
        raise SettingsError(f"init is {init}, a network {source.kind}: it cannot start a network {network.kind}", "init")
    return _take(network, source.state_dict(), init)


def start_supernet(supernet: Supernet, init: str) -> list[str]:
    """Give a supernet the weights of a model: of its backbone, and of the interactions that it has at each place.

    Arguments, what is returned and errors as `start_from`.
    """
    source = load_model(init)
    if not isinstance(source, MSINet):
        raise SettingsError(f"init is {init}, a network {source.kind}: it cannot start the supernet of MSINet", "init")
    tensors = {}
    for name, tensor in source.state_dict().items():
        if name.startswith("backbone."):
            if place := PLACE.fullmatch(name):
                stage, cell, number = (int(place[key]) for key in ("stage", "cell", "number"))
                chosen = source.architecture.cells[stage][cell][number].interaction
                name = f"{place['before']}{chosen}.{place['rest']}"
            tensors[name] = tensor
    return _take(supernet, tensors, init)


def _take(module: nn.Module, given: Mapping[str, Tensor], init: str) -> list[str]:
    """Copy the tensors that fit, and return in words what is left."""
    own = module.state_dict()
    wanted, there = ({name for name in names if not _begins_anew(name)} for names in (own, given))
    both = wanted & there
    if misshapen := sorted(name for name in both if own[name].shape != given[name].shape):
        name, width = misshapen[0], size_of(init).get("width")
        advice = f"set width to {width}" if width else "train a network of its kind and size"
        raise SettingsError(
            f"init is {init}, whose tensors have other sizes: {name} is {tuple(given[name].shape)}, and in this network "
            f"{tuple(own[name].shape)}; {advice}",
            *("init", "width"),
        )
    if not both:
        raise ModelError(f"nothing of {init} fits this network")
    with torch.no_grad():
        for name in both:
            own[name].copy_(given[name])
    left = []
    if missing := len(wanted - there):
        left.append(f"{missing} of {len(wanted)} tensors begin anew: {init} lacks these parts of the network")
    if unused := len(there - wanted):
        left.append(f"{unused} tensors of {init} are left out: the network lacks these parts")
    return left


def architecture_of(init: str) -> Architecture | str:
    """Return the architecture of a model or, of another kind of network, its name. Raises ModelError if there is no card."""
    card = Card.load(find_model(init))
    return NETWORKS[card.kind].architecture_of(card.arguments) if card.kind in NETWORKS else card.kind


def size_of(init: str) -> dict[str, float]:
    """Return the width and the image size of a model by the settings' names. Raises ModelError if there is no card."""
    card = Card.load(find_model(init))
    height, width = card.pixels.size
    widths = {channels_at(one): one for one in WIDTHS}
    there = widths.get(tuple(card.arguments.get("channels", ())))
    return {"image_height": height, "image_width": width, **({"width": there} if there else {})}


def learned_images(init: str) -> int:
    """Return the number of real images that a model says it has learned. Raises ModelError if there is no card."""
    learned = Card.load(find_model(init)).learned
    return learned.images if learned else 0


def _begins_anew(name: str) -> bool:
    return ".classifier." in name or name.startswith("adaptation.") or name == "alphas"
