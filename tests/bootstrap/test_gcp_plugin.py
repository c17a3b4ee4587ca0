from pathlib import Path

import pytest

from bootstrap import gcp_plugin
from bootstrap.way import SetupError, WayFailed


@pytest.fixture
def pulumi(tmp_path, program):
    """A Pulumi CLI that installs plugins as the real one lays them out, and notes its calls."""
    program(
        tmp_path / "cli" / "pulumi",
        f"""\
        echo "$*" >> "{tmp_path}/pulumi.log"
        target="$PULUMI_HOME/plugins/resource-gcp-v$5"
        mkdir -p "$target"
        case "$*" in
          *--file*) if [ -d "$8" ]; then cp "$8"/* "$target"; else cp "$8" "$target"; fi;;
          *) printf '#!/bin/sh\\necho official\\n' > "$target/pulumi-resource-gcp"
             chmod +x "$target/pulumi-resource-gcp";;
        esac
        """,
    )
    return {"folder": str(tmp_path / "cli")}


@pytest.fixture
def stand_in(checkout):
    """Gives the checkout a stand-in."""
    folder = checkout.root / "localcloud" / "plugin"
    folder.mkdir(parents=True)
    (folder / "__main__.py").touch()
    return folder


@pytest.fixture
def unreachable(monkeypatch):
    """Notes each try to download, and lets it fail."""
    tries = []

    def fail(*a: object, **k: object) -> None:
        tries.append(a)
        raise WayFailed("cannot reach get.pulumi.com")

    monkeypatch.setattr(gcp_plugin, "official", fail)
    return tries


def installed(checkout) -> Path:
    return checkout.pulumi_home / "plugins" / "resource-gcp-v10.2.0" / "pulumi-resource-gcp"


def test_where_nothing_can_be_downloaded_the_stand_in_is_installed(
    checkout, pulumi, stand_in, unreachable
) -> None:
    facts = gcp_plugin.make(checkout, {"PATH": "/usr/bin:/bin"}, pulumi)

    assert facts == {
        "way": gcp_plugin.STAND_IN,
        "version": "10.2.0",
        "day": gcp_plugin.today(),
    }
    assert installed(checkout).read_text() == (
        f'#!/bin/sh\nexec {checkout.root}/.venv/bin/python -m localcloud.plugin "$@"\n'
    )


def test_the_official_plugin_is_downloaded_once_for_all_checkouts(
    checkout, pulumi, server, tmp_path
) -> None:
    name = f"/pulumi-resource-gcp-v10.2.0-{gcp_plugin.system()}-{gcp_plugin.architecture()}.tar.gz"
    server.serve(name, b"")
    program = Path(pulumi["folder"], "pulumi")

    for _ in range(2):
        gcp_plugin.official(
            checkout, {"PATH": "/usr/bin:/bin"}, program, archives=server.url, seconds=5
        )

    calls = (tmp_path / "pulumi.log").read_text().splitlines()
    assert (len(server.asked), len(calls)) == (1, 3)
    assert "official" in installed(checkout).read_text()


def test_pulumi_is_not_even_asked_where_the_archive_cannot_be_reached(
    checkout, pulumi, closed_port, tmp_path
) -> None:
    # It would try five times, with growing pauses.
    with pytest.raises(WayFailed, match="cannot reach"):
        gcp_plugin.official(
            checkout, {}, Path(pulumi["folder"], "pulumi"), archives=closed_port, seconds=5
        )

    assert not (tmp_path / "pulumi.log").exists()


def test_where_there_is_no_stand_in_either_the_message_names_both_ways(
    checkout, pulumi, unreachable
) -> None:
    with pytest.raises(SetupError) as refused:
        gcp_plugin.make(checkout, {}, pulumi)

    lines = str(refused.value).splitlines()
    assert lines[:3] == [
        "no way to get the Pulumi plugin gcp 10.2.0 works here. Tried, in this order:",
        "  1. the official download: cannot reach get.pulumi.com",
        "  2. the stand-in of this checkout: this checkout has no localcloud.plugin",
    ]
    assert "pulumi plugin install resource gcp 10.2.0" in lines[3]


def test_the_download_is_tried_again_on_another_day_and_not_before(
    checkout, pulumi, stand_in, unreachable
) -> None:
    facts = gcp_plugin.make(checkout, {"PATH": "/usr/bin:/bin"}, pulumi)

    same_day = gcp_plugin.present(checkout, facts)
    next_day = gcp_plugin.present(checkout, {**facts, "day": "2020-01-01"})

    assert (same_day, next_day) == (True, False)


def test_the_official_plugin_is_good_for_every_day(checkout, program) -> None:
    program(installed(checkout), "exit 0")

    assert gcp_plugin.present(checkout, {"way": gcp_plugin.OFFICIAL, "day": "2020-01-01"})


def test_a_plugin_that_is_gone_is_not_present(checkout) -> None:
    assert not gcp_plugin.present(checkout, {"way": gcp_plugin.OFFICIAL, "day": gcp_plugin.today()})
