"""Buckets and their IAM policies."""

import re
import shutil
import time
from collections.abc import Callable
from pathlib import Path

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from localcloud.cloud import Cloud
from localcloud.discovery.document import load
from localcloud.discovery.page import page
from localcloud.errors import ApiError, Json
from localcloud.storage.request import query, read_json
from localcloud.store import now

BUCKET = re.compile(r"[a-z0-9][a-z0-9._-]{1,220}[a-z0-9]")


class Buckets:
    """The buckets of every project.

    Args:
        cloud: What all services share.
        folder: Where the bytes lie, a folder a bucket.
        base_url: Gives the server's address, for links in replies.
    """

    def __init__(self, cloud: Cloud, folder: Path, base_url: Callable[[], str]) -> None:
        self.cloud = cloud
        self.store = cloud.store
        self.folder = folder
        self.base_url = base_url

    def find(self, bucket: str) -> Json:
        """A stored bucket.

        Raises:
            ApiError: NOT_FOUND.
        """
        found = self.store.get(f"buckets/{bucket}")
        if found is None:
            raise ApiError("NOT_FOUND", "The specified bucket does not exist.")
        return found

    def _shown_bucket(self, row: Json) -> JSONResponse:
        shown = load("storage.v1").schema.render("Bucket", row)
        return JSONResponse({**shown, "etag": row["etag"]})

    async def insert(self, request: Request, bucket: str, name: str) -> Response:
        """Make a bucket."""
        body = await read_json(request, "Bucket")
        project = self.cloud.projects.id(query(request, "project", required=True))
        bucket = str(body.get("name", ""))
        if not BUCKET.fullmatch(bucket):
            raise ApiError("INVALID_ARGUMENT", f"Invalid bucket name: {bucket!r}.")
        if self.store.get(f"buckets/{bucket}"):
            raise ApiError(
                "ALREADY_EXISTS",
                "Your previous request to create the named bucket succeeded and you already own "
                "it.",
            )
        location = str(body.get("location") or "US").upper()
        created = now()
        row = {
            "storageClass": "STANDARD",
            "iamConfiguration": {
                "bucketPolicyOnly": {"enabled": False},
                "uniformBucketLevelAccess": {"enabled": False},
                "publicAccessPrevention": "inherited",
            },
            **body,
            "kind": "storage#bucket",
            "id": bucket,
            "name": bucket,
            "projectNumber": self.cloud.projects.number(project),
            "location": location,
            "locationType": "multi-region" if location in ("US", "EU", "ASIA") else "region",
            "timeCreated": created,
            "updated": created,
            "metageneration": "1",
            "generation": str(time.time_ns() // 1000),
            "selfLink": f"{self.base_url()}/storage/v1/b/{bucket}",
        }
        return self._shown_bucket(self.store.put(f"buckets/{bucket}", row))

    async def list(self, request: Request, bucket: str, name: str) -> Response:
        """A project's buckets, by name."""
        project = self.cloud.projects.id(query(request, "project", required=True))
        number, prefix = self.cloud.projects.number(project), query(request, "prefix")
        rows = [
            row
            for row in sorted(self.store.under("", "buckets"), key=lambda r: str(r["name"]))
            if row["projectNumber"] == number and row["name"].startswith(prefix)
        ]
        shown, token = page(rows, request.query_params, asked=f"{project}{prefix}")
        return JSONResponse(
            {
                "kind": "storage#buckets",
                **({"items": list(shown)} if shown else {}),
                **({"nextPageToken": token} if token else {}),
            }
        )

    async def get(self, request: Request, bucket: str, name: str) -> Response:
        """One bucket."""
        return self._shown_bucket(self.find(bucket))

    async def patch(self, request: Request, bucket: str, name: str) -> Response:
        """Change a bucket; a null takes a label away."""
        row = self.find(bucket)
        body = await read_json(request, "Bucket")
        for field in ("name", "location"):
            if field in body and str(body[field]).lower() != str(row[field]).lower():
                raise ApiError("INVALID_ARGUMENT", f"The {field} of a bucket cannot be changed.")
            body.pop(field, None)
        labels = {
            k: v
            for k, v in {**row.get("labels", {}), **body.get("labels", {})}.items()
            if v is not None
        }
        row = {**row, **body, "updated": now()}
        row["metageneration"] = str(int(row["metageneration"]) + 1)
        row.pop("labels", None)
        if labels:
            row["labels"] = labels
        return self._shown_bucket(self.store.put(f"buckets/{bucket}", row))

    async def delete(self, request: Request, bucket: str, name: str) -> Response:
        """Delete an empty bucket."""
        self.find(bucket)
        if self.store.under(f"buckets/{bucket}", "objects"):
            raise ApiError("ABORTED", "The bucket you tried to delete is not empty.")
        self.store.delete(f"buckets/{bucket}")
        shutil.rmtree(self.folder / bucket, ignore_errors=True)
        return Response(status_code=204)

    async def get_policy(self, request: Request, bucket: str, name: str) -> Response:
        """A bucket's IAM policy."""
        self.find(bucket)
        return self._policy(bucket, self.cloud.policies.get(f"buckets/{bucket}"))

    async def set_policy(self, request: Request, bucket: str, name: str) -> Response:
        """Replace a bucket's IAM policy."""
        self.find(bucket)
        policy = await read_json(request, "Policy")
        return self._policy(bucket, self.cloud.policies.set(f"buckets/{bucket}", policy))

    def _policy(self, bucket: str, policy: Json) -> Response:
        resource = f"projects/_/buckets/{bucket}"
        return JSONResponse({"kind": "storage#policy", "resourceId": resource, **policy})

    async def test_permissions(self, request: Request, bucket: str, name: str) -> Response:
        """The caller may do all it asks about."""
        self.find(bucket)
        return JSONResponse(self.cloud.policies.test(request.query_params.getlist("permissions")))
