"""The guard around local-bigquery."""

from pathlib import Path

import pytest

from localcloud.bigquery import upstream
from localcloud.bigquery.app import create_app
from tests.localcloud.bigquery.conftest import Server


def test_another_version_of_local_bigquery_is_refused_by_name() -> None:
    with pytest.raises(upstream.UnsupportedVersion, match=r"0\.4\.1.*local-bigquery==0\.4\.0"):
        upstream.check_version("0.4.1")


def test_the_supported_version_passes() -> None:
    upstream.check_version("0.4.0")


def test_a_second_service_in_one_process_is_refused(server: Server, tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="already open"):
        create_app(tmp_path, registry=None, base_url=lambda: server.url)
