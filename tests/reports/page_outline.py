"""What a page is made of: its tags, ids, and what it points at or fetches."""

from html.parser import HTMLParser

__all__ = ["Outline"]


class Outline(HTMLParser):
    """What a page is made of."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.ids: list[str] = []
        self.fetched: list[str] = []
        self.targets: list[str] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        self.tags.append(tag)
        if "id" in values:
            self.ids.append(values["id"])
        if tag in ("img", "link", "script", "iframe", "object", "image", "source", "video"):
            self.fetched.append(values.get("src", "") + values.get("href", ""))
        elif values.get("href", "").startswith("#"):
            self.targets.append(values["href"][1:])
        for name in ("aria-labelledby", "aria-describedby"):
            self.targets.extend(values.get(name, "").split())

    def handle_data(self, data: str) -> None:
        self.text += data
