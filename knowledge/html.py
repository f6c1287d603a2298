"""HTML to readable text in Markdown's form: headings, list items, tables; scripts and styles left out."""

from html.parser import HTMLParser

_SKIPPED = frozenset({"script", "style", "noscript", "template", "svg", "title", "iframe", "object"})
_BLOCK_TAGS = """p div section article header footer main aside nav ul ol li table tr br hr pre blockquote dl dt dd
    figure h1 h2 h3 h4 h5 h6 form fieldset details summary"""
_BLOCKS = frozenset(_BLOCK_TAGS.split())


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self._skipping: list[str] = []
        self._columns = 0
        self._first_row = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _SKIPPED:
            self._skipping.append(tag)
        if self._skipping:
            return
        if tag in _BLOCKS and tag not in {"li", "tr"}:
            self.parts.append("\n\n")
        if tag in {"h1", "h2", "h3", "h4", "h5", "h6"}:
            self.parts.append("#" * int(tag[1]) + " ")
        elif tag == "li":
            self.parts.append("\n- ")
        elif tag == "table":
            self._first_row = True
        elif tag == "tr":
            self._columns = 0
            self.parts.append("\n| ")

    def handle_endtag(self, tag: str) -> None:
        if self._skipping:
            if tag == self._skipping[-1]:
                self._skipping.pop()
            return
        if tag in {"td", "th"}:
            self._columns += 1
            self.parts.append(" | ")
        elif tag == "tr":
            if self._first_row:
                self.parts.append("\n|" + " --- |" * self._columns)
            self._first_row = False
        elif tag in _BLOCKS and tag != "li":
            self.parts.append("\n\n")

    def handle_data(self, data: str) -> None:
        if not self._skipping:
            kept = " ".join(data.split())
            lead = " " if data[:1].isspace() else ""
            trail = " " if kept and data[-1:].isspace() else ""
            self.parts.append(lead + kept + trail)


def text_of_html(html: str) -> str:
    """The text a reader would see. Never fails: what is not HTML comes out as text."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    lines = [" ".join(line.split()) for line in "".join(reader.parts).split("\n")]
    text: list[str] = []
    for line in lines:
        if line or (text and text[-1]):
            text.append(line)
    return "\n".join(text).strip() + "\n"
