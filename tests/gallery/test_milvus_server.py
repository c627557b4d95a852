import pytest

pymilvus = pytest.importorskip("pymilvus", reason='pip install "msinet[milvus]"')

from msinet.errors import FileError  # noqa: E402
from msinet.gallery import milvus_server  # noqa: E402
from msinet.gallery.milvus_server import CONNECTIONS, MilvusServer  # noqa: E402


@pytest.mark.parametrize(
    ("closed", "reason", "tries"), [(1, "Too many pings", 2), (9, "Too many pings", CONNECTIONS), (9, "", 1)]
)
def test_a_connection_that_the_server_just_closed_is_tried_again(monkeypatch, closed, reason, tries):
    """gRPC shares connections between clients; of other failures nothing is tried again."""
    asked = []

    def connect(address, **settings):
        asked.append(address)
        if len(asked) <= closed:
            raise pymilvus.MilvusException(2, "Fail connecting to server") from RuntimeError(reason)
        return "client"

    monkeypatch.setattr(milvus_server, "MilvusClient", connect)
    if tries > closed:
        assert MilvusServer("host:1").client == "client"
    else:
        with pytest.raises(FileError, match="cannot reach Milvus at host:1"):
            MilvusServer("host:1")
    assert asked == ["http://host:1"] * tries
