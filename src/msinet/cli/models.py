"""The verb `models`."""

from msinet.cli.tables import show_models


def models() -> None:
    """List the models that ship with msinet: their sizes, scores, licence and what they were trained on."""
    from msinet.model.zoo import cards

    show_models(cards())
