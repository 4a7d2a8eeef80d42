"""The look of the pages that `porta dev` serves beside Porta."""

from __future__ import annotations

from html import escape
from urllib.parse import quote

STYLE = """
:root { color-scheme: light dark; --ink: #1c2430; --soft: #5c6b80; --line: #dfe4ec; --paper: #fff;
  --ground: #f4f6fa; --accent: #2456d6; --good: #147a4b; --bad: #b3261e; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6eaf2; --soft: #9aa7bb; --line: #2e3848;
  --paper: #1a212d; --ground: #10151d; --accent: #8cb0ff; --good: #6fd3a3; --bad: #ff9d94; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--ink); overflow-wrap: anywhere;
  font: 16px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; }
main { max-width: 60rem; margin: 0 auto; padding: 2rem 1.25rem 4rem; }
h1 { font-size: 1.5rem; margin: 0 0 .25rem; } h2 { font-size: 1.05rem; margin: 0 0 .75rem; }
p { margin: .25rem 0 1rem; } a { color: var(--accent); } .soft { color: var(--soft); }
section { background: var(--paper); border: 1px solid var(--line); border-radius: .75rem;
  padding: 1.25rem; margin: 1.25rem 0; overflow: hidden; }
header { display: flex; flex-wrap: wrap; gap: 1rem; justify-content: space-between;
  align-items: start; }
table { width: 100%; border-collapse: collapse; }
th, td { text-align: left; vertical-align: baseline; padding: .45rem .75rem .45rem 0;
  border-top: 1px solid var(--line); }
tr:first-child > * { border-top: 0; } th { width: 12rem; font-weight: 500; color: var(--soft); }
code, pre, td { font: .875rem/1.5 ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; }
pre { white-space: pre-wrap; margin: 0; }
summary { cursor: pointer; color: var(--soft); margin-top: .75rem; }
details pre { padding-top: .5rem; }
iframe { width: 100%; height: 32rem; border: 0; background: #fff; border-radius: .5rem; }
.button { display: inline-block; background: var(--accent); color: var(--paper); border: 0;
  border-radius: .5rem; padding: .55rem 1rem; font: inherit; text-decoration: none;
  cursor: pointer; }
.quiet { background: none; color: var(--soft); border: 1px solid var(--line); }
.good { color: var(--good); } .bad { color: var(--bad); }
ul.mails { list-style: none; margin: 0; padding: 0; }
ul.mails a { display: grid; grid-template-columns: 14rem minmax(0, 1fr) auto; gap: 1rem;
  padding: .7rem 0; color: inherit; text-decoration: none; border-top: 1px solid var(--line); }
ul.mails li:first-child a { border-top: 0; } ul.mails a:hover strong { color: var(--accent); }
@media (max-width: 40rem) { ul.mails a { grid-template-columns: minmax(0, 1fr); gap: 0; }
  th, td { display: block; width: auto; } td { border-top: 0; padding-top: 0; } }
"""
"""The stylesheet that every page names."""

_DRAWING = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32">'
    '<rect width="32" height="32" rx="9" fill="#1c2430"/>'
    '<path d="M9 12l5 4-5 4m8 0h6" fill="none" stroke="#fff" stroke-width="3"/></svg>'
)
_ICON = f"data:image/svg+xml,{quote(_DRAWING)}"


def document(title: str, body: str) -> str:
    """Return a whole page; `body` is HTML."""
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<title>{escape(title)}</title><link rel="icon" href="{_ICON}">'
        '<link rel="stylesheet" href="/style.css">'
        f"</head><body><main>{body}</main></body></html>"
    )


def section(title: str, body: str) -> str:
    """Return a box with a title; `body` is HTML."""
    return f"<section><h2>{escape(title)}</h2>{body}</section>"


def table(rows: dict[str, str]) -> str:
    """Return a table of names and values, both plain text."""
    cells = (f"<tr><th>{escape(k)}</th><td>{escape(v)}</td></tr>" for k, v in rows.items())
    return f"<table><tbody>{''.join(cells)}</tbody></table>"
