"""The environment that everything of this checkout runs in."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from bootstrap.acceptance import PROGRAMS
from bootstrap.checkout import Checkout
from bootstrap.stamp import Facts

LOCAL = "local"
# No secret: the stack `local` has none, and Pulumi demands a passphrase for its file backend.
LOCAL_PASSPHRASE = "local"


def build(
    checkout: Checkout, environ: Mapping[str, str], stack: str, facts: Mapping[str, Facts]
) -> dict[str, str]:
    """Makes the environment.

    The stack `local` has a backend and a Pulumi home of its own, in the checkout. Every other
    stack has the user's: the login, the secrets provider and the official plugins.

    Args:
        checkout: The checkout.
        environ: The environment of this process.
        stack: The Pulumi stack.
        facts: What the steps found out, by name; `pulumi` and `acceptance` may be absent.

    Returns:
        The whole environment.
    """
    env = dict(environ)
    # It would have every start of Pulumi compile pulumi_gcp anew (docs/traps.md).
    for astray in ("PYTHONDONTWRITEBYTECODE", "PYTHONHOME", "PYTHONPATH"):
        env.pop(astray, None)
    first = [str(checkout.venv / "bin")]
    if "pulumi" in facts:
        first.append(facts["pulumi"]["folder"])
    rest = [part for part in env.get("PATH", "").split(os.pathsep) if part and part not in first]
    env["PATH"] = os.pathsep.join(first + rest)
    # The language host takes the environment from here, not from the options in Pulumi.yaml.
    env["VIRTUAL_ENV"] = str(checkout.venv)
    env["PULUMI_SKIP_UPDATE_CHECK"] = "1"
    if stack == LOCAL:
        env["PULUMI_HOME"] = str(checkout.pulumi_home)
        env["PULUMI_BACKEND_URL"] = backend(checkout).as_uri()
        env["PULUMI_CONFIG_PASSPHRASE"] = LOCAL_PASSPHRASE
        env.pop("PULUMI_CONFIG_PASSPHRASE_FILE", None)
        # The plugin is installed already: a missing one is a defect, not a reason to download.
        env["PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION"] = "true"
    for variable in PROGRAMS:
        env.pop(variable, None)
    env.update(facts.get("acceptance", {}))
    return env


def backend(checkout: Checkout) -> Path:
    """Folder of the Pulumi state of the stack `local`."""
    return checkout.local / "pulumi"
