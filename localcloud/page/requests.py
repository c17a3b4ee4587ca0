"""The requests that were seen, and the faults that are set."""

from collections.abc import Mapping
from typing import Any

from localcloud.page import shown
from localcloud.page.sources import Sources

MOST = 200


def page(sources: Sources) -> tuple[str, Mapping[str, Any]]:
    """The latest requests first."""
    seen = sources.admin.seen()
    rows = [
        {
            "method": one.method,
            "path": shown.target(one.path),
            "status": one.status,
            "milliseconds": one.milliseconds,
        }
        for one in reversed(seen[-MOST:])
    ]
    return "requests.html", {
        "requests": rows,
        "total": len(seen),
        "faults": sources.admin.faults(),
    }
