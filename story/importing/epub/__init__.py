"""EPUB 2 and 3 → Manuscript."""

from story.importing.epub.reader import read_epub as read_epub
from story.importing.epub.reader import read_html as read_html
