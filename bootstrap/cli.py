"""The commands of ``python3 bootstrap``."""

from __future__ import annotations

import argparse
import os
import shlex
import sys
from collections.abc import Sequence

from bootstrap import environment
from bootstrap.checkout import Checkout
from bootstrap.command import CommandFailed, become
from bootstrap.setup import FOR_CHECKS, WHOLE, Setup
from bootstrap.way import SetupError

_INTERRUPTED = 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python3 bootstrap", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def command(name: str, help: str) -> argparse.ArgumentParser:
        return commands.add_parser(name, help=help, description=help)

    setup = command("setup", "does all set-up that is due, and nothing else")
    setup.add_argument(
        "--refresh", action="store_true", help="do every step again, downloads tried anew"
    )
    command("run", "does all set-up, then becomes a program: run -- pytest -x")
    check = command("check", "runs the checks of the code, or those named")
    check.add_argument("names", nargs="*", metavar="CHECK")
    ways = {
        "up": "sets up, starts the local cloud, brings the stack up and shows what it made",
        "preview": "sets up, then shows what an `up` would change",
        "down": "destroys the stack; of `local` nothing is left",
    }
    for name, help in ways.items():
        command(name, f"{help}; what comes after -- is handed to pulumi")
    for name in ("run", *ways):
        commands.choices[name].add_argument("--stack", default=environment.LOCAL)
    commands.choices["down"].add_argument(
        "--force", action="store_true", help="throw `local` away though it cannot be destroyed"
    )
    return parser


def main(argv: Sequence[str]) -> int:
    """Carries out one command.

    Args:
        argv: The command and its arguments. What comes after ``--`` is not looked into.

    Returns:
        The exit status: that of the program that was run; 1 where set-up failed.
    """
    cut = list(argv).index("--") if "--" in argv else len(argv)
    ours, theirs = list(argv[:cut]), list(argv[cut + 1 :])
    parser = _parser()
    options = parser.parse_args(ours)
    if options.command == "run" and not theirs:
        parser.error("run needs a program: run -- pytest -x")
    try:
        return _carry_out(options, theirs)
    except (SetupError, CommandFailed) as failure:
        print(f"bqvertex set-up: {failure}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nbqvertex set-up: interrupted; run it again to go on", file=sys.stderr)
        return _INTERRUPTED


def _carry_out(options: argparse.Namespace, theirs: list[str]) -> int:
    checkout = Checkout.here()
    refresh = getattr(options, "refresh", False)
    setup = Setup(checkout, os.environ, refresh=refresh)
    if options.command == "check":
        from bootstrap import check

        names = [*options.names, *theirs]
        known = [one.name for one in check.CHECKS]
        unknown = sorted(set(names) - set(known))
        if unknown:
            raise SetupError(f"no check {', '.join(unknown)}; there are: {', '.join(known)}")
        facts = setup.ensure(FOR_CHECKS)
        env = environment.build(checkout, os.environ, environment.LOCAL, facts)
        return check.run(names, checkout.root, env)
    facts = setup.ensure(WHOLE)
    if options.command == "setup":
        for name, found in facts.items():
            print(
                f"{name}: {' '.join(f'{k}={shlex.quote(v)}' for k, v in found.items()) or 'done'}"
            )
        return 0
    env = environment.build(checkout, os.environ, options.stack, facts)
    if options.command == "run":
        become(theirs, env=env)
    from bootstrap.stack import Stack

    stack = Stack(checkout, options.stack, env)
    if options.command == "up":
        return stack.up(theirs)
    if options.command == "preview":
        return stack.preview(theirs)
    return stack.down(theirs, force=options.force)
