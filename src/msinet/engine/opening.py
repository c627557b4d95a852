"""Opening the machine that a work needs: with PyTorch, or without. Imports no torch by itself."""

import os
from collections.abc import Iterable
from typing import TYPE_CHECKING

from msinet.data.embedder import Embedder
from msinet.engine.alone import Alone
from msinet.engine.settings import MachineSettings
from msinet.errors import MissingExtraError
from msinet.extras import extras_named

if TYPE_CHECKING:
    from msinet.engine.machine import Machine
    from msinet.model.network import Network


def open_machine(
    settings: MachineSettings | None = None, networks: "Iterable[Network | Embedder]" = ()
) -> "Machine | Alone":
    """Return the machine that embeds by these networks, or that only ranks where there are none.

    One process on the processor needs no PyTorch where predictors embed, nor to rank where PyTorch is not installed. It is
    loaded for its own networks, for a GPU and for several processes.

    Args:
        settings: device, precision, workers and determinism.
        networks: what embeds.

    Raises:
        SettingsError: there is no such device.
        MissingExtraError: PyTorch is needed and not installed.
    """
    settings, networks = settings or MachineSettings(), list(networks)
    one_processor = settings.device in ("auto", "cpu") and int(os.environ.get("WORLD_SIZE", "1")) == 1
    if one_processor and networks and all(isinstance(network, Embedder) for network in networks):
        return Alone(settings)
    try:
        with extras_named():
            from msinet.engine.machine import Machine
    except MissingExtraError:
        if one_processor and not networks:
            return Alone(settings)
        raise
    return Machine(settings)
