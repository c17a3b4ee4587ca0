"""Cloud Storage, as far as uploads need it."""

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.localcloud.conftest import Cloud, OpenCloud

UPLOAD = "/upload/storage/v1/b/buck/o"


@pytest.fixture
def bucket(cloud: Cloud) -> Cloud:
    made = cloud.call("POST", "/storage/v1/b?project=local-project", {"name": "buck"})
    assert made.status == 200, made
    return cloud


def media(cloud: Cloud, name: str) -> bytes:
    return cloud.send("GET", f"/download/storage/v1/b/buck/o/{name}?alt=media").content


def test_an_upload_in_one_piece_comes_back(bucket: Cloud) -> None:
    made = bucket.send("POST", f"{UPLOAD}?uploadType=media&name=a/b.csv", content=b"x,y\n1,2\n")

    assert {"name": "a/b.csv", "size": "8", "bucket": "buck"}.items() <= made.json().items()
    assert media(bucket, "a%2Fb.csv") == b"x,y\n1,2\n"


def test_a_multipart_upload_carries_its_metadata(bucket: Cloud) -> None:
    metadata = json.dumps({"name": "m", "metadata": {"k": "v"}}).encode()
    body = b"\r\n".join(
        [
            b"--sep",
            b"content-type: application/json",
            b"",
            metadata,
            b"--sep",
            b"content-type: text/csv",
            b"",
            b"one--sep two\r\nthree",
            b"--sep--",
        ]
    )

    made = bucket.send(
        "POST",
        f"{UPLOAD}?uploadType=multipart",
        content=body,
        headers={"content-type": 'multipart/related; boundary="sep"'},
    ).json()

    assert (made["contentType"], made["metadata"]) == ("text/csv", {"k": "v"})
    assert media(bucket, "m") == b"one--sep two\r\nthree"


def test_a_resumable_upload_goes_on_after_a_restart(open_cloud: OpenCloud, bucket: Cloud) -> None:
    begun = bucket.send("POST", f"{UPLOAD}?uploadType=resumable", json={"name": "r"})
    session = begun.headers["location"].removeprefix("http://local")
    first = bucket.send("PUT", session, content=b"hello ", headers={"content-range": "bytes 0-5/*"})

    cloud = open_cloud()
    asked = cloud.send("PUT", session, headers={"content-range": "bytes */11"})
    last = cloud.send("PUT", session, content=b"world", headers={"content-range": "bytes 6-10/11"})

    assert (first.status_code, first.headers["range"]) == (308, "bytes=0-5")
    assert (asked.status_code, asked.headers["range"]) == (308, "bytes=0-5")
    assert last.json()["size"] == "11"
    assert media(cloud, "r") == b"hello world"


def test_objects_are_listed_by_prefix_and_folder(bucket: Cloud) -> None:
    for name in ("a/1", "a/2", "b"):
        bucket.send("POST", f"{UPLOAD}?uploadType=media&name={name}", content=b"")

    by_prefix = bucket.get("/storage/v1/b/buck/o?prefix=a/")
    by_folder = bucket.get("/storage/v1/b/buck/o?delimiter=/")

    assert [item["name"] for item in by_prefix["items"]] == ["a/1", "a/2"]
    assert (by_folder["prefixes"], [i["name"] for i in by_folder["items"]]) == (["a/"], ["b"])


def test_a_null_takes_a_label_away(bucket: Cloud) -> None:
    bucket.call("PATCH", "/storage/v1/b/buck", {"labels": {"a": "1", "b": "2"}})

    patched = bucket.call("PATCH", "/storage/v1/b/buck", {"labels": {"a": None}})

    assert patched.body["labels"] == {"b": "2"}


def test_a_bucket_with_objects_stays(bucket: Cloud) -> None:
    bucket.send("POST", f"{UPLOAD}?uploadType=media&name=x", content=b"1")

    kept = bucket.call("DELETE", "/storage/v1/b/buck")
    bucket.call("DELETE", "/storage/v1/b/buck/o/x")
    gone = bucket.call("DELETE", "/storage/v1/b/buck")

    assert (kept.status, gone.status) == (409, 204)
    assert bucket.call("GET", "/storage/v1/b/buck").body["error"]["errors"][0]["reason"] == (
        "notFound"
    )


def test_a_generation_that_does_not_match_is_refused(bucket: Cloud) -> None:
    path = f"{UPLOAD}?uploadType=media&name=x&ifGenerationMatch=0"

    statuses = [bucket.send("POST", path, content=b"1").status_code for _ in range(2)]

    assert statuses == [200, 412]


def test_a_wrong_checksum_is_refused(bucket: Cloud) -> None:
    begun = bucket.send(
        "POST", f"{UPLOAD}?uploadType=resumable", json={"name": "r", "md5Hash": "AAAA"}
    )

    ended = bucket.send("PUT", begun.headers["location"], content=b"hello")

    assert ended.status_code == 400


@pytest.mark.parametrize("name", ["UPPER", "a", "has space"])
def test_a_malformed_bucket_name_is_refused(cloud: Cloud, name: str) -> None:
    reply = cloud.call("POST", "/storage/v1/b?project=local-project", {"name": name})

    assert (reply.status, reply.body["error"]["errors"][0]["reason"]) == (400, "invalid")


def test_what_is_not_there_answers_501(bucket: Cloud) -> None:
    reply = bucket.call("POST", "/storage/v1/b/buck/o/x/rewriteTo/b/buck/o/y", {})

    assert reply.status == 501


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25)
@given(
    name=st.text(min_size=1, max_size=20).filter(lambda n: n not in (".", "..")),
    data=st.binary(max_size=50),
)
def test_any_name_and_bytes_come_back(bucket: Cloud, name: str, data: bytes) -> None:
    made = bucket.send(
        "POST", UPLOAD, params={"uploadType": "media", "name": name}, content=data
    ).json()

    from urllib.parse import quote

    assert made["name"] == name
    assert media(bucket, quote(name, safe="")) == data
