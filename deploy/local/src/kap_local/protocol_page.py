"""A protocol as a page that a clinician reads and signs: each value with the comment beside it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from html import escape

import yaml
from kap import bounds
from kap.protocol import Protocol

TITLES = {
    "expected": "Expected course (minutes after the dose)",
    "eligibility": "Who may be treated",
    "gates": "On the day, before the dose",
    "dose": "The dose",
    "discharge": "Before the patient leaves",
    "limits": "What alarms",
    "alarms": "The rules of the watch",
}
STANDING = {"hard_stop": "HARD STOP", "clearance": "prescriber clears", "note": "note"}
NO_SOURCE = "no source given"


@dataclass(frozen=True)
class Row:
    name: str
    value: str
    source: str
    line: int


@dataclass
class Section:
    title: str
    rows: list[Row] = field(default_factory=list)


@dataclass(frozen=True)
class Page:
    protocol: Protocol
    notes: list[str]  # what stands over the first field
    sections: list[Section]
    signed_off: str = ""  # by whom and when, when this version is in use


def page(protocol: Protocol, text: str) -> Page:
    """`text` is the file that the protocol was read from, its comments included."""
    lines = text.splitlines()
    tree = yaml.compose(text, yaml.SafeLoader)
    assert isinstance(tree, yaml.MappingNode)
    sections = []
    for key, value in tree.value:
        if isinstance(value, yaml.MappingNode):
            title = TITLES.get(key.value, str(key.value))
            sections.append(Section(title, list(_rows(lines, value, "", _beside(lines, key)))))
    sections.append(Section("Hard bounds, which no protocol may widen", list(_bounds(protocol))))
    first = next((n for n, line in enumerate(lines) if line and not line.startswith("#")), 0)
    notes = " ".join(line.removeprefix("#").strip() or "\n" for line in lines[:first] if line.startswith("#"))
    return Page(protocol, [note.strip() for note in notes.split("\n") if note.strip()], sections)


def unsourced(shown: Page) -> list[Row]:
    """The numbers beside which no source stands."""
    return [
        row
        for section in shown.sections
        for row in section.rows
        if row.source == NO_SOURCE and re.search(r"\d", row.value)
    ]


def _rows(lines: list[str], node: yaml.MappingNode, path: str, inherited: str) -> Iterator[Row]:
    for key, value in node.value:
        name = f"{path}{key.value}"
        line = key.start_mark.line
        if isinstance(value, yaml.MappingNode) and not value.flow_style:
            parts = {str(k.value): str(v.value) for k, v in value.value}
            if parts.keys() >= {"asks", "standing", "source"}:
                longer = parts.get("longer_stay_min")
                stays = f", stays {longer} min longer" if longer else ""
                said = f"{STANDING.get(parts['standing'], parts['standing'])}{stays}: {parts['asks']}"
                yield Row(name, said, parts["source"], line + 1)
            else:
                yield from _rows(lines, value, f"{name} › ", _beside(lines, key) or inherited)
        elif isinstance(value, yaml.SequenceNode) and not value.flow_style:
            unit = _beside(lines, key)
            for item in value.value:
                at = item.start_mark.line
                source = _comment(lines[at]) or _join(unit, _over(lines, at))
                yield Row(name, _said(item), source or NO_SOURCE, at + 1)
        else:
            source = _comment(lines[value.end_mark.line][value.end_mark.column :])
            yield Row(name, _said(value), source or inherited or _over(lines, line) or NO_SOURCE, line + 1)


def _beside(lines: list[str], key: yaml.Node) -> str:
    return _comment(lines[key.start_mark.line])


def _comment(line: str) -> str:
    found = re.search(r"(?:^|\s)#\s?(.*)$", line)
    return found[1].strip() if found else ""


def _over(lines: list[str], at: int) -> str:
    """The comment over the block that this line is in; a block ends at an empty line."""
    found: list[str] = []
    for line in reversed(lines[:at]):
        if line.strip().startswith("#"):
            found.insert(0, line.strip().removeprefix("#").strip())
        elif found or not line.strip():
            break
    return " ".join(found)


def _join(*parts: str) -> str:
    return "; ".join(part for part in parts if part)


def _said(node: yaml.Node) -> str:
    match node:
        case yaml.MappingNode():
            return ", ".join(f"{k.value.replace('_', ' ')} {_said(v)}" for k, v in node.value)
        case yaml.SequenceNode():
            return ", ".join(_said(item) for item in node.value)
    return {"true": "yes", "false": "no"}.get(str(node.value), str(node.value))


def _bounds(protocol: Protocol) -> Iterator[Row]:
    for bound in bounds.PROTOCOL:
        if protocol.route in bound.routes:
            yield Row(bound.field, bound.words, bound.source, 0)
    for signal, outermost in bounds.LIMITS.items():
        low = [] if outermost.low is None else [f"low at least {outermost.low:g}"]
        high = [] if outermost.high is None else [f"high at most {outermost.high:g}"]
        yield Row(f"limits.{signal}", ", ".join([*low, *high]), outermost.source, 0)
    yield Row("limits.no_data_after_s", f"at most {bounds.LONGEST_SILENCE_S}", "[D]", 0)


# ---- as text and as HTML

PROPOSED = "proposed default, to be signed off by the clinic"


def source(row: Row) -> str:
    """What stands beside a value, with the mark of a proposed default written out."""
    said = re.sub(r"^\[D\]:?\s+(?=\S)", f"{PROPOSED}: ", row.source)
    return re.sub(r"\[D\]", PROPOSED if said == "[D]" else f"({PROPOSED})", said)


FACTS = ("name", "version", "route", "drug")
SIGNED = ("Prescriber", "Nursing lead")
SIGN = (
    "I have read every value of this version and its source. "
    f"What is marked as a {PROPOSED}, becomes this clinic's with my signature."
)


def markdown(shown: Page) -> str:
    protocol = shown.protocol
    out = [f"# {protocol.title}", ""]
    out += [f"- {fact}: {getattr(protocol, fact)}" for fact in FACTS]
    out += [f"- digest (SHA-256): {protocol.digest()}", ""]
    out += [part for note in shown.notes for part in (note, "")]
    for section in shown.sections:
        out += [f"## {section.title}", "", "| | value | source |", "|---|---|---|"]
        out += [f"| {_cell(r.name)} | {_cell(r.value)} | {_cell(source(r))} |" for r in section.rows]
        out.append("")
    out += ["## Signed off", "", *([shown.signed_off, ""] if shown.signed_off else []), SIGN, ""]
    for who in SIGNED:
        out += [
            f"{who}: ______________________________  Date: ____________  Signature: ____________________",
            "",
        ]
    return "\n".join(out)


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


STYLE = """
body { font: 10.5pt/1.4 system-ui, sans-serif; color: #111 }
body { max-width: 60rem; margin: 2rem auto; padding: 0 1rem }
h1 { margin: 0 0 .5rem } h2 { margin: 1.6rem 0 .4rem; break-after: avoid }
table { border-collapse: collapse; width: 100% }
tr { break-inside: avoid } thead { display: table-header-group }
th, td { text-align: left; vertical-align: top; padding: .25rem .5rem; border-bottom: 1px solid #bbb }
td:nth-child(1) { width: 26% } td:nth-child(2) { width: 37% } td:nth-child(3) { color: #444; font-size: 9pt }
.stop { font-weight: 700 } .none { font-weight: 700; color: #a00 }
.sign { display: grid; grid-template-columns: 8rem 1fr 8rem 1fr; gap: 1.6rem .8rem; margin-top: 2rem }
.sign { break-inside: avoid }
.sign span { border-bottom: 1px solid #111 } code { word-break: break-all }
@page { size: A4; margin: 15mm }
@media print { body { margin: 0; max-width: none } }
"""


def html(shown: Page) -> str:
    """One file, nothing to fetch."""
    protocol = shown.protocol
    facts = " · ".join(f"{fact} {escape(str(getattr(protocol, fact)))}" for fact in FACTS)
    body = [f"<h1>{escape(protocol.title)}</h1>", f"<p>{facts}<br>digest (SHA-256) "]
    body.append(f"<code>{protocol.digest()}</code></p>")
    body += [f"<p>{escape(note)}</p>" for note in shown.notes]
    for section in shown.sections:
        body += [f"<h2>{escape(section.title)}</h2><table>", "<thead><tr><th></th><th>Value</th>"]
        body.append("<th>Source</th></tr></thead><tbody>")
        body += [_html_row(row) for row in section.rows]
        body.append("</tbody></table>")
    signed = f"<p>{escape(shown.signed_off)}</p>" if shown.signed_off else ""
    body.append(f"<h2>Signed off</h2>{signed}<p>{SIGN}</p>")
    for who in SIGNED:
        body.append(f'<div class="sign">{who}<span></span>Date, signature<span></span></div>')
    title = f"{escape(protocol.title)}, version {protocol.version}"
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        f"<style>{STYLE}</style></head><body>{''.join(body)}</body></html>\n"
    )


def _html_row(row: Row) -> str:
    stop = ' class="stop"' if row.value.startswith(STANDING["hard_stop"]) else ""
    none = ' class="none"' if row.source == NO_SOURCE else ""
    cells = (
        f"<td>{escape(row.name)}</td><td{stop}>{escape(row.value)}</td><td{none}>{escape(source(row))}</td>"
    )
    return f"<tr>{cells}</tr>"
