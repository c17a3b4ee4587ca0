"""Entry of ``python3 bootstrap``: refuses a Python that is too old, then hands over to `cli`."""

import sys

if sys.version_info < (3, 9):  # noqa: UP036 - this is the one file an older Python gets to see
    sys.exit(
        "bqvertex set-up: Python 3.9 or newer is needed to start, this is %s.%s; "  # noqa: UP031
        "name a newer one with `make PYTHON=/path/to/python3`." % sys.version_info[:2]
    )

import pathlib

# `python3 bootstrap` puts the folder itself first on the path; the package is its parent's.
sys.path[0] = str(pathlib.Path(__file__).resolve().parent.parent)

from bootstrap.cli import main  # noqa: E402 - needs the path above

sys.exit(main(sys.argv[1:]))
