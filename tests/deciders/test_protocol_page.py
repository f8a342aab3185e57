"""The page that a clinician reads and signs, and the check of a clinic's own file."""

import json
import subprocess
import sys
from importlib.resources import files
from pathlib import Path

import pytest
from kap import protocol
from kap.events.rules import DischargeRules, Gates
from kap_local import protocol_page
from kap_local.protocol_page import Page

KAP = str(Path(sys.executable).with_name("kap"))
DEFAULTS = {p.name: p for p in protocol.defaults()}
every_default = pytest.mark.parametrize("name", DEFAULTS)


def text(name: str) -> str:
    return (files("kap") / "protocols" / f"{name}.yaml").read_text()


def page(name: str) -> Page:
    return protocol_page.page(DEFAULTS[name], text(name))


def kap(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [KAP, "protocol", *arguments], capture_output=True, text=True, timeout=60, check=False
    )


@every_default
def test_every_value_is_on_the_page_with_its_source(name: str) -> None:
    shown = page(name)
    assert protocol_page.unsourced(shown) == []
    assert [r for s in shown.sections for r in s.rows if r.source == protocol_page.NO_SOURCE] == []
    rows = {row.name: row for section in shown.sections for row in section.rows if row.line}
    for part in (Gates, DischargeRules):
        assert part.model_fields.keys() <= rows.keys()
    for rule, asked in DEFAULTS[name].eligibility.rules.items():
        assert asked.asks in rows[f"rules › {rule}"].value and rows[f"rules › {rule}"].source == asked.source
    for drug in DEFAULTS[name].eligibility.interacting_drugs:
        assert f"interacting_drugs › {drug}" in rows


@every_default
def test_the_page_names_its_version_and_has_room_to_sign(name: str) -> None:
    written = protocol_page.markdown(page(name))
    assert DEFAULTS[name].digest() in written and f"version: {DEFAULTS[name].version}" in written
    assert "Prescriber: ____" in written and "Nursing lead: ____" in written
    assert "## Hard bounds, which no protocol may widen" in written
    html = protocol_page.html(page(name))
    assert html.startswith("<!doctype html>") and DEFAULTS[name].digest() in html
    assert "http-equiv" not in html and "<script" not in html and "src=" not in html


def test_a_files_words_are_not_markup() -> None:
    named = text("spravato").replace("title: Spravato", "title: <b>Spravato")
    (shown,) = (protocol_page.page(DEFAULTS["spravato"].model_copy(update={"title": "<b>S"}), named),)
    assert "<b>" not in protocol_page.html(shown)


def test_the_command_shows_and_checks(tmp_path: Path) -> None:
    shown = kap("show", "sublingual")
    assert shown.returncode == 0 and shown.stdout.startswith("# Sublingual ketamine lozenge\n")
    html = tmp_path / "page.html"
    assert kap("show", "sublingual", "--html", str(html)).returncode == 0
    assert "Signed off" in html.read_text()

    mine = tmp_path / "mine.yaml"
    mine.write_text(text("sublingual"))
    good = json.loads(kap("check", str(mine), "--json").stdout)
    assert good["valid"] is True and good["name"] == "sublingual"

    mine.write_text(text("sublingual").replace("rechecks: 2", "rechecks: 3"))
    bad = kap("check", str(mine))
    line = mine.read_text()[: mine.read_text().index("rechecks: 3")].count("\n") + 1
    assert bad.returncode == 1
    assert bad.stderr == (
        f"kap: mine.yaml, line {line}: gates.rechecks should be at most 2 (hard bound: [D]), and is 3\n"
    )
    told = json.loads(kap("check", str(mine), "--json").stdout)
    assert told["valid"] is False and len(told["problems"]) == 1
    nobody = kap("show", "nobody")
    assert nobody.returncode == 1 and "no protocol of that name comes with KAP" in nobody.stderr


def test_a_number_without_a_source_is_said_so(tmp_path: Path) -> None:
    lines = text("spravato").splitlines()
    at = next(n for n, line in enumerate(lines) if "aldrete_from" in line)
    lines[at] = lines[at].partition("#")[0]
    lines[at - 1 : at - 1] = [""]  # so that the comment over the block is not beside it
    start = next(n for n, line in enumerate(lines) if line.startswith("discharge:"))
    lines[start + 1 : start + 1] = [""]
    mine = tmp_path / "mine.yaml"
    mine.write_text("\n".join(lines))
    said = kap("check", str(mine))
    assert said.returncode == 0
    assert "aldrete_from has no source beside it" in said.stdout
