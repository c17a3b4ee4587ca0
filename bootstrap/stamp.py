"""What set-up has already done in this checkout, so that doing it again takes no time."""

from __future__ import annotations

import json
import os
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

Facts = dict[str, str]


@dataclass
class Stamp:
    """The steps that are done, each with the key it was done for.

    Attributes:
        file: Where it is kept.
        author: Which set-up wrote it, as a digest of its code.
        steps: By name of the step: its key and the facts it found out.
    """

    file: Path
    author: str
    steps: dict[str, tuple[str, Facts]] = field(default_factory=dict)

    @classmethod
    def load(cls, file: Path, author: str) -> Stamp:
        """Reads the stamp.

        A file that is missing, damaged, or of another author means that nothing is done: other
        code may need other facts. Doing a step again takes little where its tools are cached.
        """
        try:
            content = json.loads(file.read_text(encoding="utf-8"))
            if content["author"] != author:
                return cls(file, author)
            steps = {
                str(name): (str(entry["key"]), {str(k): str(v) for k, v in entry["facts"].items()})
                for name, entry in content["steps"].items()
            }
        except (FileNotFoundError, ValueError, TypeError, KeyError, AttributeError):
            steps = {}
        return cls(file, author, steps)

    def facts(self, name: str, key: str) -> Facts | None:
        """What a step found out, or None where it was not done for this key."""
        done = self.steps.get(name)
        return done[1] if done is not None and done[0] == key else None

    def keep(self, name: str, key: str, facts: Facts) -> None:
        """Notes that a step is done; the file changes at once and as a whole."""
        self.steps[name] = (key, facts)
        steps = {n: {"key": k, "facts": f} for n, (k, f) in self.steps.items()}
        self.file.parent.mkdir(parents=True, exist_ok=True)
        handle, path = tempfile.mkstemp(dir=self.file.parent, prefix=".setup.")
        with os.fdopen(handle, "w", encoding="utf-8") as sink:
            json.dump({"author": self.author, "steps": steps}, sink, indent=1)
        Path(path).replace(self.file)

    def forget(self, name: str) -> None:
        """Notes that a step is no longer done."""
        self.steps.pop(name, None)
