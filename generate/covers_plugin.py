"""A plugin of pytest that writes what the collected tests are marked with."""

import json
import os
from pathlib import Path

import pytest


def pytest_collection_finish(session: pytest.Session) -> None:
    """Write name -> files to the file that BQVERTEX_COVERS names."""
    found: dict[str, set[str]] = {}
    for item in session.items:
        file = item.path.relative_to(session.config.rootpath).as_posix()
        for mark in item.iter_markers("covers"):
            for name in mark.args:
                found.setdefault(name, set()).add(file)
    told = {name: sorted(files) for name, files in sorted(found.items())}
    Path(os.environ["BQVERTEX_COVERS"]).write_text(json.dumps(told), encoding="utf-8")
