"""Books in: EPUB, plain text, Markdown → Manuscript → Novel."""
