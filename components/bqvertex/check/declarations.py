"""Which file a name in a statement means, and in which order files are to be read."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from pathlib import PurePath
from typing import TypeAlias

from bqvertex.check.outline import Made, Outline, Unit
from bqvertex.check.source import Source
from googlesql import suggestion
from googlesql.schema import Column

Path: TypeAlias = tuple[str, ...]

_METADATA = "INFORMATION_SCHEMA"


@dataclass(frozen=True)
class Declaration:
    """Something that a file says is there.

    Attributes:
        source: The file.
        made: What it is.
        unit: The statement that makes it; None for a schema file and for what stands in a script.
        columns: The columns that a schema file lists; None for what a statement makes.
    """

    source: Source
    made: Made
    unit: Unit | None = None
    columns: tuple[Column, ...] | None = None


@dataclass(frozen=True)
class Meaning:
    """What a name means.

    Attributes:
        declaration: What it names; None when that is not said, or said twice.
        others: The files that say it, when that is more than one and none is nearer.
        is_outside: Whether no file can say it: a view of metadata.
    """

    declaration: Declaration | None
    others: tuple[Source, ...] = ()
    is_outside: bool = False


class Declarations:
    """All that the files of a check say is there.

    Args:
        outlines: What the SQL files hold.
        schemas: The columns that schema files list, by file; None for one that is wrong.
        project: Project of names without one; empty for none.
        dataset_id: Dataset of names without one; empty for none.
    """

    def __init__(
        self,
        outlines: Sequence[Outline],
        schemas: Mapping[Source, tuple[Column, ...] | None],
        project: str,
        dataset_id: str,
    ) -> None:
        self._project, self._dataset_id = project, dataset_id
        self._altered = {self._whole(path) for outline in outlines for path in outline.altered}
        self._by_path: defaultdict[Path, list[Declaration]] = defaultdict(list)
        for source, columns in schemas.items():
            made = Made("table", tuple(source.stem.split(".")))
            self._add(Declaration(source, made, columns=columns))
        for outline in outlines:
            for made in outline.made:
                self._add(Declaration(outline.source, made))
            for unit in outline.units:
                for made in unit.made:
                    self._add(Declaration(outline.source, made, unit))

    def _add(self, declaration: Declaration) -> None:
        self._by_path[self._whole(declaration.made.path)].append(declaration)

    def _whole(self, path: Path) -> Path:
        if len(path) == 1 and self._dataset_id:
            path = (self._dataset_id, *path)
        # With a dataset alone, `d.t` is the longest name that all spellings have.
        return (self._project, *path) if self._project and len(path) == 2 else path

    def is_altered(self, declaration: Declaration) -> bool:
        """Tell whether some statement changes the columns of a table."""
        return self._whole(declaration.made.path) in self._altered

    def meaning(self, path: Path, unit: Unit) -> Meaning:
        """Find what a name in a statement means: the nearest file that says it.

        Args:
            path: The name in parts, as the statement has it.
            unit: The statement.
        """
        if _METADATA in (part.upper() for part in path):
            return Meaning(None, is_outside=True)
        found = [
            declaration
            for declaration in self._by_path.get(self._whole(path), ())
            if self._is_seen(declaration, unit)
        ]
        if not found:
            return Meaning(None)
        nearness = [self._nearness(declaration, unit) for declaration in found]
        nearest = [d for d, near in zip(found, nearness, strict=True) if near == min(nearness)]
        if len(nearest) > 1:
            return Meaning(None, tuple(dict.fromkeys(d.source for d in nearest)))
        return Meaning(nearest[0])

    def nearest(self, path: Path) -> str:
        """Return words that suggest the declared name nearest to one that is not declared."""
        known = {".".join(other[-len(path) :]) for other in self._by_path} - {".".join(path)}
        return suggestion.near(".".join(path), known)

    @staticmethod
    def _is_seen(declaration: Declaration, unit: Unit) -> bool:
        if declaration.source is not unit.source:
            return not declaration.made.is_temporary
        # In one file a name means what a statement before made of it.
        return declaration.unit is None or declaration.unit.number < unit.number

    @staticmethod
    def _nearness(declaration: Declaration, unit: Unit) -> tuple[int, ...]:
        if declaration.source is unit.source:
            return (-1, -(declaration.unit.number if declaration.unit else 0))
        here, there = unit.source.path.resolve().parent, declaration.source.path.resolve().parent
        common = _common(here, there)
        up, down = len(here.parts) - common, len(there.parts) - common
        # A query's file name is the weakest way to say that there is a table of that name.
        return (int(declaration.made.is_implied), up, down)


def _common(one: PurePath, other: PurePath) -> int:
    count = 0
    for left, right in zip(one.parts, other.parts, strict=False):
        if left != right:
            break
        count += 1
    return count


@dataclass(frozen=True)
class Circle:
    """Statements that read one another in a circle.

    Attributes:
        units: The statements, each read by the one before, the first by the last.
    """

    units: tuple[Unit, ...]


def levels(needs: Mapping[Unit, Sequence[Unit]]) -> tuple[list[list[Unit]], list[Circle]]:
    """Put statements in an order in which each comes after those that it reads.

    Args:
        needs: What each statement reads.

    Returns:
        Lists of statements that do not read one another, and the circles that were broken up to
        get there.
    """
    remaining = {unit: list(read) for unit, read in needs.items()}
    circles: list[Circle] = []
    while True:
        sorter = TopologicalSorter(remaining)
        try:
            sorter.prepare()
        except CycleError as error:
            # The first and the last are the same, and each comes before one that reads it.
            around: list[Unit] = error.args[1]
            circles.append(_circle(list(reversed(around[1:]))))
            remaining[around[1]].remove(around[0])
            continue
        return list(_drained(sorter)), circles


def _circle(units: list[Unit]) -> Circle:
    """Begin a circle at its first file: the sorter begins anywhere."""
    start = min(range(len(units)), key=lambda n: (units[n].source.path.as_posix(), n))
    return Circle(tuple(units[start:] + units[:start]))


def _drained(sorter: "TopologicalSorter[Unit]") -> Iterator[list[Unit]]:
    while sorter.is_active():
        ready = sorter.get_ready()
        yield list(ready)
        sorter.done(*ready)
