from bootstrap import environment

FACTS = {
    "pulumi": {"folder": "/cache/pulumi"},
    "acceptance": {"BQVERTEX_OFFICIAL_GCP_PLUGIN": "/cache/plugin"},
}
ENVIRON = {
    "PATH": "/usr/bin:/bin",
    "PYTHONDONTWRITEBYTECODE": "1",
    "PULUMI_CONFIG_PASSPHRASE_FILE": "/secret",
    "PULUMI_BACKEND_URL": "https://api.pulumi.com",
    "BQVERTEX_OFFICIAL_LANGUAGE_HOST": "/stale",
}


def test_the_stack_local_has_a_backend_and_a_pulumi_home_in_the_checkout(checkout) -> None:
    env = environment.build(checkout, ENVIRON, "local", FACTS)

    assert env == {
        "PATH": f"{checkout.root}/.venv/bin:/cache/pulumi:/usr/bin:/bin",
        "VIRTUAL_ENV": f"{checkout.root}/.venv",
        "PULUMI_SKIP_UPDATE_CHECK": "1",
        "PULUMI_HOME": f"{checkout.root}/.tools/pulumi-home",
        "PULUMI_BACKEND_URL": f"file://{checkout.root}/.local/pulumi",
        "PULUMI_CONFIG_PASSPHRASE": "local",
        "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
        "BQVERTEX_OFFICIAL_GCP_PLUGIN": "/cache/plugin",
    }


def test_every_other_stack_keeps_the_users_backend_login_and_plugins(checkout) -> None:
    env = environment.build(checkout, ENVIRON, "dev", FACTS)

    assert env == {
        "PATH": f"{checkout.root}/.venv/bin:/cache/pulumi:/usr/bin:/bin",
        "VIRTUAL_ENV": f"{checkout.root}/.venv",
        "PULUMI_SKIP_UPDATE_CHECK": "1",
        "PULUMI_CONFIG_PASSPHRASE_FILE": "/secret",
        "PULUMI_BACKEND_URL": "https://api.pulumi.com",
        "BQVERTEX_OFFICIAL_GCP_PLUGIN": "/cache/plugin",
    }


def test_within_itself_the_environment_stays_the_same(checkout) -> None:
    once = environment.build(checkout, ENVIRON, "local", FACTS)

    twice = environment.build(checkout, once, "local", FACTS)

    assert twice == once
