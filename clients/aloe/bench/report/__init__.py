"""The report of an experiment: a page, figures and tables from its results file."""

from aloe.bench.report.runs import ReportError
from aloe.bench.report.writing import Report, write_report

__all__ = ["Report", "ReportError", "write_report"]
