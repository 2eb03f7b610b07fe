"""HTTP as clients of all kinds speak it, byte by byte on a real socket."""

import json
import socket

import httpx
import pytest

from harness.running import HOST, Service, eventually

HEAD_BYTES = 2**15  # FANIN_HEAD_BYTES where nobody sets it
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
    assert b"transfer-encoding" not in head
    # Its end is that of the connection: RFC 9112, section 6.3.
    assert b"content-length" not in head
    assert b"connection: close" in head.lower()
    assert body == client.get(f"/weights.json?{SMALL}").content


def test_requests_sent_together_are_answered_in_order(service: Service) -> None:
    path = f"/weights/layers.0.weight.bin?{SMALL}"
    heard = spoken(
        service,
        f"GET {path} HTTP/1.1\r\nHost: a\r\n\r\nHEAD {path} HTTP/1.1\r\nHost: a\r\n\r\n".encode(),
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


CHUNKED = (
    b"POST /plan HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Type: application/json\r\n"
    b"Transfer-Encoding: chunked\r\n\r\n"
)
HOST_LINE = b"Host: a\r\n"
LARGE = b"x" * (2 * HEAD_BYTES)
REFUSED = {
    "no HTTP": (400, "malformed-request", b"\x16\x03\x01\x02\r\n\r\n"),
    "no Host": (400, "malformed-request", b"GET /livez HTTP/1.1\r\n\r\n"),
    "two Hosts": (400, "malformed-request", b"GET /livez HTTP/1.1\r\n" + 2 * HOST_LINE + b"\r\n"),
    "two lengths": (
        400, "malformed-request",
        b"POST /plan HTTP/1.1\r\n" + HOST_LINE + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    ),
    "gzip": (501, "unknown-coding", b"POST / HTTP/1.1\r\n" + HOST_LINE + b"Transfer-Encoding: gzip, chunked\r\n\r\n"),
    "HTTP/2": (505, "unknown-version", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
    "a long URL": (414, "long-url", b"GET /plan?" + LARGE + b" HTTP/1.1\r\n" + HOST_LINE + b"\r\n"),
    "a URL without end": (414, "long-url", b"GET /plan?" + 5 * LARGE),
    "one long header": (431, "large-head", b"GET /livez HTTP/1.1\r\n" + HOST_LINE + b"X: " + LARGE + b"\r\n\r\n"),
    "many headers": (431, "large-head", b"GET /livez HTTP/1.1\r\n" + HOST_LINE + b"X: y\r\n" * 90_000),
    "a chunk's endless line": (431, "large-head", CHUNKED + b"1;" + LARGE),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_no_request_gets_a_problem_and_is_counted(service: Service, case: str) -> None:
    status, slug, sent = REFUSED[case]
    before = service.metric("fanin_malformed_requests_total", reason=slug)
    head, _, body = spoken(service, sent).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 %d " % status)
    assert b"content-type: application/problem+json" in head
    problem = json.loads(body)
    assert (problem["status"], problem["type"]) == (status, f"urn:fanin:problem:{slug}")
    assert service.metric("fanin_malformed_requests_total", reason=slug) == before + 1


def test_trailers_within_the_bound_are_passed_over(service: Service) -> None:
    heard = spoken(service, CHUNKED, b"%x\r\n%b\r\n0\r\nX-Sum: 1\r\n\r\n" % (len(DESCRIPTION), DESCRIPTION))
    assert heard.startswith(b"HTTP/1.1 200 OK")


def test_an_upgrade_that_is_not_wanted_is_ignored(service: Service, client: httpx.Client) -> None:
    heard = spoken(
        service,
        b"POST /plan HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: %d\r\n"
        b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAEAAEAAAAIAAAABAAMAAABk\r\n\r\n"
        b"%b" % (len(DESCRIPTION), DESCRIPTION),
        b"GET /livez HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
    )
    assert heard.count(b"HTTP/1.1 200 OK") == 2
    assert client.post("/plan", content=DESCRIPTION, headers={"Content-Type": "application/json"}).content in heard


def test_a_body_that_is_too_large_is_refused_before_it_is_sent(service: Service) -> None:
    heard = spoken(
        service,
        b"POST /plan HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 1000000000\r\n"
        b"Expect: 100-continue\r\n\r\n",
    )
    assert heard.startswith(b"HTTP/1.1 413 ")
    assert b"connection: close" in heard


def test_a_client_that_sends_all_of_a_large_body_first_reads_why_it_is_refused(service: Service) -> None:
    heard = spoken(
        service,
        b"POST /plan HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 30000000\r\n\r\n",
        *[bytes(1_000_000)] * 30,
    )
    assert heard.startswith(b"HTTP/1.1 413 ")
    assert json.loads(heard.partition(b"\r\n\r\n")[2])["status"] == 413


@pytest.mark.parametrize("version", ["1.0", "1.1"])
def test_a_client_that_ends_its_own_side_gets_its_answers(service: Service, version: str) -> None:
    paths = [f"/weights.npy?{SMALL}", "/diagnose?layers=784,256,10&activation=relu"][: 1 if version == "1.0" else 2]
    with socket.create_connection((HOST, service.port), timeout=30) as connection:
        connection.sendall("".join(f"GET {path} HTTP/{version}\r\nHost: a\r\n\r\n" for path in paths).encode())
        connection.shutdown(socket.SHUT_WR)
        heard = b"".join(iter(lambda: connection.recv(2**16), b""))
    assert heard.count(b"HTTP/1.1 200 OK") == len(paths)


def test_garbage_does_not_take_the_answers_before_it_away(service: Service) -> None:
    heard = spoken(service, b"GET /livez HTTP/1.1\r\nHost: a\r\n\r\n" * 3 + b"garbage\r\n\r\n")
    assert (heard.count(b"HTTP/1.1 200 OK"), heard.count(b"HTTP/1.1 400 ")) == (3, 1)


def test_a_damaged_chunk_is_answered_while_the_body_is_awaited(service: Service) -> None:
    heard = spoken(service, CHUNKED, b"5\r\n{....", b"zz\r\n")
    assert heard.startswith(b"HTTP/1.1 400 ")
    assert eventually(lambda: service.metric("fanin_malformed_requests_total") > 0)
    assert not [line for line in service.log_lines() if line["level"] == "error"]


@pytest.mark.parametrize("path", ["/learn", "/plan", "/weights.npz"])
def test_a_line_break_behind_a_path_makes_another_path(client: httpx.Client, path: str) -> None:
    assert client.get(f"{path}%0A?layers=64,10&activation=relu&seed=1").status_code == 404


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
