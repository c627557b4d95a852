"""The verb `serve`."""

import logging
import sys
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from msinet.cli.terminal import say
from msinet.extras import extras_named
from msinet.panels import DATA
from msinet.serve.settings import ServeSettings


def serve(
    *,
    gallery: Annotated[str, DATA, Parameter(help="Folder of the gallery, or milvus://HOST:PORT/NAME.")],
    model: Annotated[Path | None, DATA] = None,
    settings: ServeSettings = ServeSettings(),
) -> None:
    """Serve a gallery and its model over HTTP, with a page to search in a browser.

    Without tokens it listens at this machine's own address alone. MSINET_TOKEN in the environment is the token that may
    read and write, MSINET_READ_TOKEN one that may read. docs/service.md describes all addresses.

    Args:
        model: Model in place of the one that the gallery remembers, such as an export of it, which needs no PyTorch.
    """
    with extras_named():
        from msinet.jobs.gallery import open_gallery
        from msinet.serve.run import run
        from msinet.serve.security import Tokens, require_safe
        from msinet.serve.service import Service

    tokens = Tokens.of_environment()
    require_safe(settings, tokens)
    if settings.log_requests:
        requests = logging.getLogger("msinet.serve.requests")
        requests.addHandler(logging.StreamHandler(sys.stderr))
        requests.setLevel(logging.INFO)
        requests.propagate = False
    else:
        logging.getLogger("msinet.serve.requests").setLevel(logging.WARNING)
    opened = open_gallery(gallery, model, embeds=True)
    who = "with a token" if tokens.are_set else "on this machine alone, without a token"
    run(Service(opened, settings, tokens), lambda address: say(f"Serving {gallery} at {address}, {who}; Ctrl-C stops"))
