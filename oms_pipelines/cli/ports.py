"""Ports that a command is to listen on."""

import socket

from oms_pipelines.errors import OmsError


def require_free(who: str, cure: str, *ports: int) -> None:
    """Raise OmsError, with the cure, where something listens on one of these ports."""
    for port in ports:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError as e:
                raise OmsError(f"{who} cannot listen on {port}: {e.strerror}; {cure}") from None
