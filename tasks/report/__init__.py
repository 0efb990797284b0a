"""report.html: what was made and how it sounds, in pictures, on one page that needs nothing beside it but the audio."""

from tasks.report.lanes import lanes_of
from tasks.report.page import report_html

__all__ = ["lanes_of", "report_html"]
