"""Render the documents that the service shows under /docs/, to be read without internet: python -m harness.pages.

What is rendered is committed, so that nothing renders where the service runs; a test holds it to its sources.
"""

import html
import os
import re
from itertools import pairwise
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token

from harness.pictures import PATH
from harness.running import ROOT

PAGES = ROOT / "service/web/static/pages"
# Of files that are named alike, GitHub shows one in each folder: the guide is that of docs/.
NAMED = {"docs/README.md": "guide", "README.md": "readme", "LICENSE": "license"}
VECTORS = "/docs/recipe-vectors.json"
MARKUP = MarkdownIt("commonmark", {"html": False}).enable("table")
# Where GitHub chooses between a file for light and one for dark pages, the service draws the picture itself.
PICTURE = re.compile(r'<picture>.*? alt="(.*?)".*?</picture>', re.DOTALL)
TEMPLATE = """<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <meta name="color-scheme" content="light dark">
    <title>{title}</title>
    <link rel="icon" href="/static/lab/icon.svg" type="image/svg+xml">
    <link rel="stylesheet" href="/static/pages/pages.css">
  </head>
  <body>
    <nav aria-label="Pages">
      <a href="/">Init Lab</a> <a href="/docs">HTTP reference</a> <a href="/docs/guide">Guide</a>
      <a href="/docs/readme">README</a> <a href="/docs/recipe">Recipe</a> <a href="/docs/license">License</a>
    </nav>
    <main>
{body}    </main>
  </body>
</html>
"""


def sources() -> dict[str, Path]:
    """Return the file of each page."""
    named = {name: ROOT / path for path, name in NAMED.items()}
    return named | {path.stem: path for path in sorted(ROOT.glob("docs/*.md")) if path != named["guide"]}


def rendered(source: Path) -> str:
    """Return a document as a page of this service."""
    text = PICTURE.sub(rf"![\1]({PATH})", source.read_text(encoding="utf-8"))
    if source.suffix != ".md":
        return TEMPLATE.format(title=f"fanin: {source.name}", body=f"<pre>{html.escape(text)}</pre>\n")
    tokens = MARKUP.parse(text)
    _name_headings(tokens)
    for token in tokens:
        if token.type == "inline":
            token.children = _with_links_of_pages(token.children or [], source.parent)
    title = next(token.content for token in tokens if token.type == "inline")
    body = MARKUP.renderer.render(tokens, MARKUP.options, {})
    # What is wider than a screen scrolls by itself, also for who has only a keyboard.
    body = body.replace("<pre>", '<pre tabindex="0">').replace("<table>", '<div class="wide" tabindex="0"><table>')
    return TEMPLATE.format(title=html.escape(title), body=body.replace("</table>", "</table></div>"))


def fragment(heading: str) -> str:
    """Return the name under which links find a heading, as on GitHub."""
    return re.sub(r"\s", "-", re.sub(r"[^\w\s-]", "", heading.lower()).strip())


def _name_headings(tokens: list[Token]) -> None:
    for opening, content in pairwise(tokens):
        if opening.type == "heading_open":
            opening.attrSet("id", fragment(content.content))


def _with_links_of_pages(tokens: list[Token], folder: Path) -> list[Token]:
    """Point links at pages that are served; leave only the words of links to other files."""
    shown, is_dropped = [], False
    for token in tokens:
        if token.type == "link_open":
            target = _page_of(str(token.attrGet("href")), folder)
            is_dropped = target is None
            if target is not None:
                token.attrSet("href", target)
        if is_dropped and token.type in ("link_open", "link_close"):
            continue
        shown.append(token)
    return shown


def _page_of(link: str, folder: Path) -> str | None:
    """Return where a link leads within the service; None for a file that it does not serve."""
    if link.startswith(("https://", "http://", "#", "/")):
        return link
    if link.endswith("recipe-vectors.json"):
        return VECTORS
    path, mark, place = link.partition("#")
    # Not resolved: a page may itself be a link to a file elsewhere.
    target = Path(os.path.normpath(folder / path))
    name = next((name for name, source in sources().items() if source == target), None)
    return f"/docs/{name}{mark}{place}" if name else None


def main() -> None:
    """Write every page, and remove what is none any more."""
    for old in PAGES.glob("*.html"):
        old.unlink()
    for name, source in sources().items():
        (PAGES / f"{name}.html").write_text(rendered(source), encoding="utf-8")


if __name__ == "__main__":
    main()
