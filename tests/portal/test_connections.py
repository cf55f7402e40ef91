"""Connections that send nothing, too slowly, or take no answer: the site goes on."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from wattseal_host.cli.portal import QUIET, bind
from wattseal_host.web import connections
from wattseal_host.web.limits import is_here, network

LARGE = b"x" * (32 << 20)


async def _hello(request: Request) -> Response:
    return PlainTextResponse(str(len(await request.body())))


async def _large(_: Request) -> Response:
    return Response(LARGE)


@pytest.fixture
def address(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, int]]:
    """A server as the commands start them, with short times and few connections."""
    monkeypatch.setattr(connections, "REQUEST_S", 1.0)
    monkeypatch.setattr(connections, "SEND_S", 1.0)
    monkeypatch.setattr(connections, "LOOK_S", 0.1)
    monkeypatch.setattr(connections, "MOST", 30)
    monkeypatch.setattr(connections, "MOST_OF_A_PEER", 10)
    app = Starlette(routes=[Route("/", _hello, methods=["GET", "POST"]), Route("/large", _large)])
    yield from _served(uvicorn.Config(app, **QUIET))


def _served(config: uvicorn.Config) -> Iterator[tuple[str, int]]:
    listening = bind("127.0.0.1", 0)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield listening.getsockname()
    server.should_exit = True
    thread.join(10)


def ended(sock: socket.socket, within_s: float) -> bool:
    """Whether the server ends a connection, which has to send nothing more."""
    sock.settimeout(within_s)
    try:
        return sock.recv(1) == b""
    except TimeoutError:
        return False
    except ConnectionError:
        return True


@pytest.mark.parametrize(
    "begun", [b"", b"GET / HT", b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 9\r\n\r\nx"]
)
def test_a_request_that_does_not_come(address: tuple[str, int], begun: bytes) -> None:
    with socket.create_connection(address) as sock:
        sock.sendall(begun)
        at_s = time.monotonic()
        assert ended(sock, 5)
        assert time.monotonic() - at_s > 0.8


def test_a_drop_now_and_then_is_not_enough(address: tuple[str, int]) -> None:
    """Nor after a first answer: uvicorn's own timer ends with the first byte that follows."""
    with socket.create_connection(address) as sock:
        sock.sendall(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n")
        assert sock.recv(1000).startswith(b"HTTP/1.1 200")
        at_s = time.monotonic()
        with pytest.raises(OSError):
            while time.monotonic() < at_s + 5:
                sock.sendall(b"G")
                time.sleep(0.1)
        assert time.monotonic() - at_s < 3


def test_a_body_that_comes_steadily_may_take_longer(
    address: tuple[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "BYTES_PER_S", 1000)
    with socket.create_connection(address) as sock:
        sock.sendall(b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 6000\r\n\r\n")
        for _ in range(20):
            sock.sendall(b"x" * 300)
            time.sleep(0.1)
        sock.settimeout(5)
        assert sock.recv(1000).startswith(b"HTTP/1.1 200")


def test_an_answer_that_nobody_takes(address: tuple[str, int]) -> None:
    with socket.create_connection(address) as sock:
        sock.sendall(b"GET /large HTTP/1.1\r\nhost: a\r\n\r\n")
        time.sleep(2.5)
        sock.settimeout(5)
        got = 0
        with pytest.raises(ConnectionError):
            while more := sock.recv(1 << 20):
                got += len(more)
            raise ConnectionError
        assert got < len(LARGE)


def test_idle_connections_of_one_address_keep_nobody_out(
    address: tuple[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As many again as the server takes: they are each other's, and everybody is answered."""
    monkeypatch.setattr(connections, "REQUEST_S", 60.0)
    url = f"http://127.0.0.1:{address[1]}/"
    idle = [socket.create_connection(address) for _ in range(60)]
    try:
        for _ in range(20):
            assert httpx.get(url, timeout=5).status_code == 200
        alive = [sock for sock in idle if not ended(sock, 0.01)]
        assert 20 <= len(alive) <= 30 and alive == idle[-len(alive) :]
    finally:
        for sock in idle:
            sock.close()


def test_of_one_peer_elsewhere(address: tuple[str, int], monkeypatch: pytest.MonkeyPatch) -> None:
    """This machine is exempt, where a proxy asks for all visitors."""
    monkeypatch.setattr(connections, "REQUEST_S", 60.0)
    monkeypatch.setattr(connections, "is_here", lambda host: False)
    idle = [socket.create_connection(address) for _ in range(15)]
    try:
        assert [ended(sock, 0.3) for sock in idle] == [True] * 5 + [False] * 10
    finally:
        for sock in idle:
            sock.close()


def test_what_is_answered_gives_way_to_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "is_here", lambda host: False)
    monkeypatch.setattr(connections, "MOST_OF_A_PEER", 2)
    go_on = threading.Event()

    def slow(_: Request) -> Response:
        go_on.wait(10)
        return PlainTextResponse("done")

    app = Starlette(routes=[Route("/", slow)])
    for address in _served(uvicorn.Config(app, **QUIET)):
        busy = [socket.create_connection(address) for _ in range(2)]
        for sock in busy:
            sock.sendall(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n")
        time.sleep(0.3)
        with socket.create_connection(address) as late:
            assert ended(late, 5)
        go_on.set()
        for sock in busy:
            sock.settimeout(5)
            told = b""
            while b"done" not in told:
                told += sock.recv(1000)
            sock.close()


def test_a_handshake_that_does_not_come(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from test_portal_serve import _certificate

    monkeypatch.setattr(connections, "REQUEST_S", 1.0)
    cert, key = _certificate(tmp_path)
    config = uvicorn.Config(_app(), ssl_certfile=cert, ssl_keyfile=key, **QUIET)
    for address in _served(config):
        with socket.create_connection(address) as sock:
            assert ended(sock, 5)
        trusted = ssl.create_default_context(cafile=str(cert))
        told = httpx.get(f"https://127.0.0.1:{address[1]}/", verify=trusted)
        assert told.status_code == 200


def _app() -> Any:
    return Starlette(routes=[Route("/", _hello)])


@pytest.mark.parametrize(
    ("host", "peer", "here"),
    [
        ("192.0.2.7", "192.0.2.7", False),
        ("::ffff:192.0.2.7", "192.0.2.7", False),
        ("2001:db8:1:2:aaaa::1", "2001:db8:1:2::/64", False),
        ("2001:db8:1:2:bbbb::9", "2001:db8:1:2::/64", False),
        ("fe80::1%eth0", "fe80::/64", False),
        ("127.0.0.1", "127.0.0.1", True),
        ("::1", "::/64", True),
        ("::ffff:127.0.0.1", "127.0.0.1", True),
        ("", "?", False),
        ("testclient", "testclient", False),
    ],
)
def test_who_counts_as_one_peer(host: str, peer: str, here: bool) -> None:
    assert (network(host), is_here(host)) == (peer, here)
