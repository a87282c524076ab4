"""The demo and the UI keep their hands off what another works on, and end when told to."""

import os
import signal
import socket
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest

from oms_pipelines import sandbox
from oms_pipelines.cli import demo
from oms_pipelines.cli.demo import Sales, run_demo
from oms_pipelines.cli.ui import serve_ui
from oms_pipelines.errors import OmsError


def test_a_demo_beside_another_is_refused_before_it_deletes_anything(tmp_path: Path):
    store = tmp_path / "oms.duckdb"
    store.write_bytes(b"another's")
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(OmsError, match=f"cannot listen on {port}.*Nothing was deleted"):
            run_demo(tmp_path, 1, port, 0, Sales())
    assert store.read_bytes() == b"another's"


def test_a_demo_that_is_told_to_end_stops_its_network_and_says_so(tmp_path: Path, monkeypatch):
    stopped = []

    @contextmanager
    def running(*_, **__):
        try:
            yield SimpleNamespace(url="http://127.0.0.1:1", smtp_port=1, root=tmp_path)
        finally:
            stopped.append(True)

    monkeypatch.setenv("OMS_CONFIG", "")
    monkeypatch.setattr(sandbox, "running", running)
    monkeypatch.setattr(demo, "_trade", lambda *_: os.kill(os.getpid(), signal.SIGTERM))
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(OmsError, match="told to end before it was over; its network is stopped"):
        run_demo(tmp_path, 1, 0, 0, Sales())
    assert stopped
    assert signal.getsignal(signal.SIGTERM) is before


def test_a_ui_whose_port_is_taken_says_so_and_how_to_take_another():
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        told = f"cannot listen on {port}: Address already in use; .*`oms ui --port {port + 1}`"
        with pytest.raises(OmsError, match=told):
            serve_ui(port, lambda _: None)
