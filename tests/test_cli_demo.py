"""The demo keeps its hands off what another one works on."""

import socket
from pathlib import Path

import pytest

from oms_pipelines.cli.demo import Sales, run_demo
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
