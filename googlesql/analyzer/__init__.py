"""Type-checking statements with ZetaSQL's analyser against declared tables.

`analyze` checks a statement whose surroundings are known, `analyze_partially` any other as far as
they are.
"""

from googlesql.analyzer.assumption import UNKNOWN_TYPE, OpenColumns
from googlesql.analyzer.partial import PartialAnalysis, Unknown, UnknownKind, analyze_partially
from googlesql.analyzer.request import Analysis, OutputColumns, Path, Tables, analyze
from googlesql.analyzer.resolved import Parameters

__all__ = [
    "UNKNOWN_TYPE",
    "Analysis",
    "OpenColumns",
    "OutputColumns",
    "Parameters",
    "PartialAnalysis",
    "Path",
    "Tables",
    "Unknown",
    "UnknownKind",
    "analyze",
    "analyze_partially",
]
