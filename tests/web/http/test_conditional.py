"""RFC 9110's rules on conditions and ranges, as tables and as laws over a real body."""

from itertools import pairwise

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.datastructures import Headers

from service.web.http.conditional import Part, RangeNotSatisfiable, part_of

URL = "/weights.npy?layers=31,17&activation=relu&seed=5"
LENGTH = 128 + 4 * (31 * 17 + 17)
OTHER = '"0123456789abcdef0123456789abcdef"'

# Range, and the part of a body of 100 bytes that RFC 9110, section 14.1.2, gives for it.
PARTS = {
    "bytes=0-0": Part(0, 1),
    "bytes=0-99": Part(0, 100),
    "bytes=0-100": Part(0, 100),
    "bytes=0-99999999999999999999999999": Part(0, 100),
    "bytes=10-19": Part(10, 20),
    "bytes=99-": Part(99, 100),
    "bytes=-1": Part(99, 100),
    "bytes=-100": Part(0, 100),
    "bytes=-1000": Part(0, 100),
    "bytes= 5-6": Part(5, 7),
    "Bytes=5-6": Part(5, 7),
    "bytes=005-006": Part(5, 7),
}
IGNORED = (
    "",
    "bytes=",
    "bytes=-",
    "bytes=5-4",
    "bytes=a-b",
    "bytes=0-1,5-6",
    "lines=0-1",
    "bytes=1.5-2",
    "bytes=+1-2",
    "0-1",
)
UNSATISFIABLE = ("bytes=100-", "bytes=100-200", "bytes=-0", f"bytes={'9' * 5000}-")


@pytest.mark.parametrize(("asked", "part"), PARTS.items())
def test_a_single_range_gives_its_part(asked: str, part: Part) -> None:
    assert part_of("GET", Headers({"range": asked}), OTHER, 100) == part


@pytest.mark.parametrize("asked", IGNORED)
def test_what_is_not_a_single_range_of_bytes_is_ignored(asked: str) -> None:
    assert part_of("GET", Headers({"range": asked}), OTHER, 100) is None


@pytest.mark.parametrize("asked", UNSATISFIABLE)
def test_a_range_past_the_end_is_not_satisfiable(asked: str) -> None:
    with pytest.raises(RangeNotSatisfiable):
        part_of("GET", Headers({"range": asked}), OTHER, 100)


@pytest.fixture(scope="module")
def whole(client: httpx.Client) -> httpx.Response:
    answer = client.get(URL)
    assert answer.status_code == 200
    assert len(answer.content) == LENGTH == int(answer.headers["content-length"])
    return answer


@given(first=st.integers(0, LENGTH - 1), last=st.integers(0, LENGTH + 50))
def test_a_range_equals_those_bytes_of_the_body(
    client: httpx.Client, whole: httpx.Response, first: int, last: int
) -> None:
    answer = client.get(URL, headers={"Range": f"bytes={first}-{last}"})
    if last < first:
        assert (answer.status_code, answer.content) == (200, whole.content)
    else:
        assert answer.status_code == 206
        assert answer.content == whole.content[first : last + 1]
        assert answer.headers["content-range"] == f"bytes {first}-{min(last, LENGTH - 1)}/{LENGTH}"
        assert answer.headers["etag"] == whole.headers["etag"]


@given(cuts=st.lists(st.integers(1, LENGTH - 1), unique=True, max_size=4).map(sorted))
def test_a_split_request_equals_one_request(client: httpx.Client, whole: httpx.Response, cuts: list[int]) -> None:
    edges = [0, *cuts, LENGTH]
    ranges = [f"bytes={start}-{stop - 1}" for start, stop in pairwise(edges)]
    assert b"".join(client.get(URL, headers={"Range": asked}).content for asked in ranges) == whole.content


@pytest.mark.parametrize("tag", ["{}", "W/{}", f"{OTHER}, {{}}", "*"])
def test_if_none_match_of_this_body_gives_304_without_a_body(
    client: httpx.Client, whole: httpx.Response, tag: str
) -> None:
    etag = whole.headers["etag"]
    answer = client.get(URL, headers={"If-None-Match": tag.format(etag)})
    assert (answer.status_code, answer.content, answer.headers["etag"]) == (304, b"", etag)
    assert answer.headers["cache-control"] == whole.headers["cache-control"]


def test_if_none_match_of_another_body_gives_the_body(client: httpx.Client, whole: httpx.Response) -> None:
    answer = client.get(URL, headers={"If-None-Match": OTHER})
    assert (answer.status_code, answer.content) == (200, whole.content)


def test_if_match_of_another_body_fails(client: httpx.Client, whole: httpx.Response) -> None:
    assert client.get(URL, headers={"If-Match": OTHER}).status_code == 412
    assert client.get(URL, headers={"If-Match": f"W/{whole.headers['etag']}"}).status_code == 412
    assert client.get(URL, headers={"If-Match": whole.headers["etag"]}).status_code == 200


def test_if_range_of_another_body_or_of_a_date_gives_the_whole(client: httpx.Client, whole: httpx.Response) -> None:
    asked = {"Range": "bytes=0-9"}
    for other in (OTHER, f"W/{whole.headers['etag']}", "Wed, 21 Oct 2015 07:28:00 GMT"):
        assert client.get(URL, headers={**asked, "If-Range": other}).content == whole.content
    assert client.get(URL, headers={**asked, "If-Range": whole.headers["etag"]}).content == whole.content[:10]


def test_head_answers_as_get_without_the_body_and_ignores_ranges(client: httpx.Client, whole: httpx.Response) -> None:
    answer = client.head(URL, headers={"Range": "bytes=0-9"})
    assert (answer.status_code, answer.content) == (200, b"")
    differing = {"date", "x-request-id"}
    assert {k: v for k, v in answer.headers.items() if k not in differing} == {
        k: v for k, v in whole.headers.items() if k not in differing
    }


def test_bodies_without_ranges_say_so_and_come_whole(client: httpx.Client) -> None:
    for path in ("/weights.npz", "/weights.json", "/plan"):
        answer = client.get(f"{path}?layers=4,3&activation=relu&seed=1", headers={"Range": "bytes=0-9"})
        assert (answer.status_code, answer.headers["accept-ranges"]) == (200, "none")


def test_a_drawn_seed_is_never_stored_and_named_in_the_permanent_url(client: httpx.Client) -> None:
    drawn = client.get("/weights.npy?layers=4,3&activation=relu", headers={"Range": "bytes=0-9"})
    assert (drawn.status_code, drawn.headers["cache-control"]) == (200, "no-store")
    assert "etag" not in drawn.headers
    assert drawn.headers["accept-ranges"] == "none"
    permanent = client.get(drawn.headers["content-location"])
    assert permanent.content == drawn.content
    assert permanent.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert client.get("/weights.npy?layers=4,3&activation=relu").content != drawn.content


def test_the_etag_tells_answers_apart_and_spellings_of_one_answer_alike(client: httpx.Client) -> None:
    query = "layers=4,3&activation=relu&seed=1"
    different = [
        f"/weights.npy?{query}", f"/weights.safetensors?{query}", f"/weights.npz?{query}",
        f"/weights.json?{query}", f"/plan?{query}",
        f"/weights.npy?{query}&dtype=float64", f"/weights.npy?{query}&layout=out_in", f"/weights.npy?{query}&bias=none",
        "/weights.npy?layers=4,3&activation=relu&seed=2", "/weights.npy?layers=3,4&activation=relu&seed=1",
        f"/weights/layers.0.weight.npy?{query}", f"/weights/layers.0.weight.bin?{query}",
        f"/weights/layers.0.weight.npy?{query}&rows=0:2", f"/weights/layers.0.weight.npy?{query}&columns=0:2",
    ]  # fmt: skip
    etags = [client.head(url).headers["etag"] for url in different]
    assert len(set(etags)) == len(different)
    alike = ["seed=1&activation=relu&layers=4%2C3", f"{query}&scheme=auto&recipe=1&dtype=float32"]
    assert {client.head(f"/weights.npy?{query}").headers["etag"] for query in alike} == {etags[0]}
    posted = client.post("/weights.npy", json={"layers": [4, 3], "activation": "relu", "seed": 1})
    assert posted.headers["etag"] == etags[0]
    assert posted.headers["content-location"] == different[0]
