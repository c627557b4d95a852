"""The interactions between the two branches of a cell. An interaction is one file, and one line here."""

from msinet.model.msinet.interactions.channel_gate import ChannelGate
from msinet.model.msinet.interactions.cross_attention import CrossAttention
from msinet.model.msinet.interactions.exchange import Exchange
from msinet.model.msinet.interactions.interaction import Interaction
from msinet.model.msinet.interactions.none import Keep

INTERACTIONS: dict[str, type[Interaction]] = {
    "none": Keep,
    "exchange": Exchange,
    "channel_gate": ChannelGate,
    "cross_attention": CrossAttention,
}
