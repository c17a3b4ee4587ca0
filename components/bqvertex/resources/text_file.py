"""Texts of the program's own folder, such as SQL files."""

from pathlib import Path

import pulumi


def read_text(file: str) -> str:
    """Read a text.

    Args:
        file: Path relative to the program's folder.

    Raises:
        RunError: It is not there, cannot be read, or is no UTF-8.
    """
    try:
        return Path(file).read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise pulumi.RunError(
            f"{file} is not UTF-8: {error.reason} at byte {error.start}"
        ) from None
    except OSError as error:
        raise pulumi.RunError(f"{file}: {error.strerror} (looked in {Path.cwd()})") from None
