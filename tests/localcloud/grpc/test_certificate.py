"""The certificate that gRPC with TLS shows."""

import datetime
from pathlib import Path

from localcloud.grpc.certificate import certificate

NOW = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)


def test_a_certificate_is_kept_while_it_lasts(tmp_path: Path) -> None:
    first = certificate(tmp_path, NOW)

    later = certificate(tmp_path, NOW + datetime.timedelta(days=300))
    after = certificate(tmp_path, NOW + datetime.timedelta(days=365))

    assert (later == first, after.chain == first.chain) == (True, False)


def test_only_the_owner_can_read_the_key(tmp_path: Path) -> None:
    certificate(tmp_path, NOW)

    assert (tmp_path / "server.key").stat().st_mode & 0o777 == 0o600
