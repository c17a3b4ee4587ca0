"""Where the pages are, and which requests are for them."""

from urllib.parse import quote

from starlette.types import Scope

PREFIX = "/web/"
"""No API of Google's has a path under it; `/ui/` is where clients poll operations."""


def is_asked(scope: Scope) -> bool:
    """Whether a request is for a page.

    `/` is the start page only to those who accept HTML by name; all others get JSON there.
    """
    path: str = scope["path"]
    if path == "/":
        accepted = [value for name, value in scope["headers"] if name == b"accept"]
        return scope["method"] in ("GET", "HEAD") and any(b"text/html" in a for a in accepted)
    return path.startswith(PREFIX) or path == PREFIX.rstrip("/")


def of_resource(name: str) -> str:
    """The page of a resource such as `projects/p/locations/l/endpoints/e`."""
    return PREFIX + quote(name)


def of_dataset(project: str, dataset_id: str) -> str:
    """The page of a dataset."""
    return of_resource(f"projects/{project}/datasets/{dataset_id}")


def of_model(project: str, dataset_id: str, model_id: str) -> str:
    """The page of a model of BigQuery ML."""
    return of_resource(f"projects/{project}/datasets/{dataset_id}/models/{model_id}")
