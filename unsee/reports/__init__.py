"""Pages, tables and plots from saved scores: `write` for files, `summary` for the terminal."""

from unsee.reports.console import summary
from unsee.reports.reading import read
from unsee.reports.report import SCHEMA, Cost, Example, Report
from unsee.reports.verdict import Verdict, judge
from unsee.reports.writing import write

__all__ = ["SCHEMA", "Cost", "Example", "Report", "Verdict", "judge", "read", "summary", "write"]
