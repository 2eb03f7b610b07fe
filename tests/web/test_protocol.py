"""HTTP as clients of all kinds speak it, byte by byte on a real socket."""

import json
import socket
from contextlib import suppress

import httpx
import pytest

from service.web.protocol import MOST_HEAD_BYTES
from tests.running import HOST, Service, eventually

SMALL = "layers=4,3&activation=relu&seed=1"
DESCRIPTION = b'{"layers":[4,3],"activation":"relu","seed":1}'


def spoken(service: Service, *parts: bytes) -> bytes:
    """Return all that the service says until it closes the connection."""
    with socket.create_connection((HOST, service.port), timeout=30) as connection:
        for part in parts:
            connection.sendall(part)
        heard = bytearray()
        while part := connection.recv(2**16):
            heard += part
    return bytes(heard)


def test_http_1_0_gets_json_without_chunks(service: Service, client: httpx.Client) -> None:
    head, _, body = spoken(service, f"GET /weights.json?{SMALL} HTTP/1.0\r\n\r\n".encode()).partition(b"\r\n\r\n")
    assert b"transfer-encoding" not in head.lower()
    assert f"content-length: {len(body)}".encode() in head.lower()
    assert body == client.get(f"/weights.json?{SMALL}").content


def test_requests_sent_together_are_answered_in_order(service: Service) -> None:
    one = f"/weights/layers.0.weight.bin?{SMALL}"
    heard = spoken(
        service,
        f"GET {one} HTTP/1.1\r\nHost: a\r\n\r\nHEAD {one} HTTP/1.1\r\nHost: a\r\n\r\n".encode(),
        b"GET /livez HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
    )
    assert heard.count(b"HTTP/1.1 200 OK") == 3
    assert heard.count(b"content-length: 48") == 2
    assert heard.endswith(b'{"status":"ok"}')


def test_a_body_in_chunks_is_read_after_expect(service: Service) -> None:
    heard = spoken(
        service,
        b"POST /plan HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Type: application/json\r\n"
        b"Transfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n",
        b"%x\r\n%b\r\n0\r\n\r\n" % (len(DESCRIPTION), DESCRIPTION),
    )
    assert heard.startswith(b"HTTP/1.1 100 Continue")
    assert json.loads(heard.rpartition(b"\r\n\r\n")[2])["seed"] == 1


def test_a_client_that_goes_away_while_it_sends_is_no_fault(service: Service) -> None:
    with socket.create_connection((HOST, service.port), timeout=30) as connection:
        connection.sendall(
            b"POST /plan HTTP/1.1\r\nHost: a\r\nX-Request-ID: gone-early\r\nContent-Type: application/json\r\n"
            b"Content-Length: 100\r\n\r\n{"
        )
    assert eventually(lambda: any(line.get("request_id") == "gone-early" for line in service.log_lines()))
    assert not [line for line in service.log_lines() if line["level"] == "error"]


@pytest.mark.parametrize("count", [1, 1000])
def test_a_head_without_end_is_cut(service: Service, count: int) -> None:
    filler = b"x" * (2 * MOST_HEAD_BYTES // count)
    headers = b"".join(b"X-%d: %b\r\n" % (number, filler) for number in range(count))
    heard = b""
    with suppress(ConnectionError):  # cut while it is still being sent
        heard = spoken(service, b"GET /livez HTTP/1.1\r\nHost: a\r\n", headers, headers, b"\r\n")
    assert b"200 OK" not in heard


def test_percent_encoded_names_are_names(client: httpx.Client) -> None:
    plain = client.get(f"/weights/layers.0.weight.npy?{SMALL}")
    encoded = client.get(f"/weights/layers%2E0%2Eweight.npy?{SMALL.replace(',', '%2C')}")
    assert encoded.content == plain.content
    assert encoded.headers["etag"] == plain.headers["etag"]


def test_each_line_of_if_none_match_counts(client: httpx.Client) -> None:
    url = f"/weights.npy?{SMALL}"
    etag = client.head(url).headers["etag"]
    answer = client.get(url, headers=[("If-None-Match", '"other"'), ("If-None-Match", etag)])
    assert answer.status_code == 304
