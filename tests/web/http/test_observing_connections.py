"""What metrics and log lines tell of clients: who they are, and whether they stayed."""

import socket
import struct

import httpx
import pytest

from harness.running import HOST, Service, eventually, running

ENDLESS = "/weights/layers.0.weight.bin?layers=40000,40000&activation=relu&seed=1"


def lines_of(service: Service, request_id: str) -> list[dict[str, object]]:
    return [line for line in service.log_lines() if line.get("request_id") == request_id]


@pytest.mark.parametrize(
    "path", [ENDLESS, "/diagnose?layers=784,256,10&activation=relu"], ids=["a download", "a diagnosis"]
)
def test_a_reset_is_not_counted_as_an_answer(service: Service, path: str) -> None:
    name = path.partition("?")[0].strip("/").partition("/")[0]
    with service.open(path, f"X-Request-ID: reset-{name}") as connection:
        if path == ENDLESS:
            assert connection.recv(1000)
        # Closing with no time to linger is a reset.
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    assert eventually(lambda: bool(lines_of(service, f"reset-{name}")))
    (line,) = lines_of(service, f"reset-{name}")
    assert (line["status"], line["complete"]) == (499, False)
    assert service.metric("fanin_requests_total", status="499") > 0


def test_long_paths_and_queries_are_cut_in_the_log(service: Service, client: httpx.Client) -> None:
    client.get("/" + "p" * 5000, params={"q": "x" * 5000}, headers={"X-Request-ID": "long"})
    assert eventually(lambda: bool(lines_of(service, "long")))
    (line,) = lines_of(service, "long")
    assert (len(str(line["path"])), len(str(line["query"]))) == (2048, 2048)


@pytest.mark.parametrize(
    ("proxies", "forwarded", "client"),
    [
        ("[]", "203.0.113.9", HOST),
        ('["127.0.0.0/8"]', "203.0.113.9", "203.0.113.9"),
        # The last address that no proxy of ours has: all before it is what the client made up.
        ('["127.0.0.0/8", "198.51.100.1"]', "192.0.2.1, 203.0.113.9, 198.51.100.1", "203.0.113.9"),
        ('["198.51.100.1"]', "203.0.113.9", HOST),
    ],
    ids=["no proxy is named", "a proxy", "two proxies", "another proxy"],
)
def test_the_client_is_who_a_named_proxy_says(proxies: str, forwarded: str, client: str) -> None:
    with running(proxies=proxies) as service:
        httpx.get(f"{service.url}/livez", headers={"X-Forwarded-For": forwarded, "X-Request-ID": "who"}, timeout=60)
        assert eventually(lambda: bool(lines_of(service, "who")))
        assert lines_of(service, "who")[0]["client"] == client
