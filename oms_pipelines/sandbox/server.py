"""The server: one process, one port, every system under its own prefix, and an SMTP sink."""

import asyncio
import socket
import threading
from collections.abc import Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from datetime import date
from pathlib import Path
from typing import Any

import uvicorn
from aiosmtpd.smtp import SMTP
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from oms_pipelines.sandbox import carrier_api, facts, mirakl, woo
from oms_pipelines.sandbox.faults import KINDS
from oms_pipelines.sandbox.mail import Sink
from oms_pipelines.sandbox.shopify import Shopify
from oms_pipelines.sandbox.web import Answer, Call, Refusal, Serve, answer, respond, z
from oms_pipelines.sandbox.world import World

HOST = "127.0.0.1"
SAVE_EVERY = 5.0
TICK = 1.0


class Sandbox:
    """A sandbox network on loopback.

    `root` holds its state and its files; a second start there goes on where the first
    stopped, and ignores `seed`, `start` and `scale`. `port` and `smtp_port` 0 take free ones.
    `speed` is virtual hours a second; at 0 the clock moves only when it is told to. `sales`
    is a table of order lines to live by; `mapping`, `since`, `until`, `zone` and `currency` go
    with it, see `Table`.
    """

    def __init__(
        self,
        root: Path,
        *,
        port: int = 0,
        smtp_port: int = 0,
        speed: float = 0.0,
        sales: Path | str | None = None,
        **world: Any,
    ):
        root.mkdir(parents=True, exist_ok=True)
        about = {name: world.pop(name) for name in _OF_SALES if name in world}
        self.world = World(root, sales=_table(sales, **about) if sales else None, **world)
        self.root = root
        self.speed = speed
        self._sockets = [listen(port), listen(smtp_port)]
        self.port, self.smtp_port = (s.getsockname()[1] for s in self._sockets)
        self.url = f"http://{HOST}:{self.port}"
        shopify = Shopify(self.world)
        self._systems: dict[str, tuple[Serve, Refusal]] = {
            "shop_fr": (woo.serve, woo.refuse),
            "shop_com": (shopify.serve, shopify.refuse),
            "market": (mirakl.serve, mirakl.refuse),
            "colis": (carrier_api.serve, carrier_api.refuse),
        }
        config = uvicorn.Config(self._app(), log_level="warning", access_log=False)
        self.server = uvicorn.Server(config)
        self._dirty = False

    def _app(self) -> Starlette:
        control = {"clock": ("GET", self._clock), "advance": ("POST", self._advance),
                   "state": ("GET", self._state), "stop": ("POST", self._stop)}  # fmt: skip
        return Starlette(
            routes=[
                *(Route(f"/control/{n}", act, methods=[m]) for n, (m, act) in control.items()),
                Route("/control/faults", self._faults, methods=["GET", "POST"]),
                Route(
                    "/{system}/{path:path}",
                    self._system,
                    methods=["GET", "POST", "PUT", "PATCH", "DELETE"],
                ),
            ],
            lifespan=self._lifespan,
        )

    @asynccontextmanager
    async def _lifespan(self, app: Starlette):
        loop = asyncio.get_running_loop()
        mail = await loop.create_server(
            lambda: SMTP(Sink(self.world), hostname="sandbox", enable_SMTPUTF8=True, loop=loop),
            sock=self._sockets[1],
        )
        chores = asyncio.create_task(self._chores())
        yield
        chores.cancel()
        with suppress(asyncio.CancelledError):
            await chores
        mail.close()
        self.world.save()

    async def _chores(self) -> None:
        passed = 0.0
        while True:
            await asyncio.sleep(TICK)
            passed += TICK
            if self.speed:
                self.world.advance(self.speed * TICK)
            elif self._dirty and passed >= SAVE_EVERY:
                self.world.save()
                self._dirty, passed = False, 0.0

    async def _system(self, request: Request) -> Response:
        name = request.path_params["system"]
        if name not in self._systems:
            return _response(answer({"error": f"no system is called {name}"}, 404))
        url = str(request.url).split("?")[0]
        call = Call(
            request.method,
            url,
            request.url.path.removeprefix(f"/{name}"),
            dict(request.query_params),
            {k.lower(): v for k, v in request.headers.items()},
            await request.body(),
        )
        serve, refuse = self._systems[name]
        with self.world.lock:
            given = respond(self.world, name, call, serve, refuse)
        self._dirty = self._dirty or given.changed
        return _response(given)

    async def _clock(self, request: Request) -> Response:
        return _response(answer({"now": z(self.world.now)}))

    async def _advance(self, request: Request) -> Response:
        hours = (await request.json()).get("hours", 1)
        return _response(answer({"now": z(self.world.advance(float(hours)))}))

    async def _state(self, request: Request) -> Response:
        with self.world.lock:
            told = facts.state(self.world, "history" in request.query_params)
        return _response(answer(told))

    async def _faults(self, request: Request) -> Response:
        faults = self.world.faults
        if request.method == "POST":
            wish = await request.json()
            if wish.pop("clear", False):
                faults.clear()
            else:
                try:
                    faults.add(**wish)
                except (TypeError, ValueError) as e:
                    return _response(answer({"error": str(e)}, 422))
        told = {"waiting": faults.waiting, "done": faults.done, "kinds": KINDS}
        return _response(answer(told))

    async def _stop(self, request: Request) -> Response:
        self.server.should_exit = True
        return _response(answer({"now": z(self.world.now)}))

    def run(self, ready: Callable[[], Awaitable[None] | None] | None = None) -> None:
        """Serve until told to stop; blocks."""
        if ready:
            ready()
        self.server.run(sockets=self._sockets[:1])

    def start(self) -> None:
        """Serve in a thread; returns once calls are answered."""
        self._thread = threading.Thread(target=self.run, daemon=True)
        self._thread.start()
        while not self.server.started and self._thread.is_alive():
            self._thread.join(0.01)

    def stop(self) -> None:
        """Stop serving, and save."""
        self.server.should_exit = True
        self._thread.join(30)


_OF_SALES = ("mapping", "since", "until", "zone", "currency")


def _table(
    path: Path | str,
    mapping: dict[str, str] | None = None,
    since: date | str | None = None,
    until: date | str | None = None,
    zone: str = "UTC",
    currency: str = "GBP",
) -> dict[str, Any]:
    """Return the arguments of `Table` as they are kept with the state."""
    return {
        "path": str(Path(path).absolute()),
        "mapping": mapping or {},
        "since": str(since) if since else None,
        "until": str(until) if until else None,
        "zone": zone,
        "currency": currency,
    }


def listen(port: int) -> socket.socket:
    """Return a listening socket on loopback; port 0 takes a free one."""
    return socket.create_server((HOST, port), reuse_port=False)


def _response(given: Answer) -> Response:
    return Response(given.body, given.status, given.headers)
