"""The page that a clinician reads and signs, and the check of a clinic's own file."""

import json
import os
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


def kap(*arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [KAP, "protocol", *arguments],
        env=os.environ | settings,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
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
    assert nobody.returncode == 1 and "no protocol of that name: intra" in nobody.stderr


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


def test_a_clinic_s_own_folder_is_where_names_are_looked_for_first(tmp_path: Path) -> None:
    own = {"KAP_PROTOCOLS": str(tmp_path)}
    lozenge = text("sublingual").replace("version: 5", "version: 41", 1)
    (tmp_path / "ours.yaml").write_text(lozenge)
    (tmp_path / "gentle.yaml").write_text(lozenge.replace("name: sublingual", "name: gentle", 1))
    (tmp_path / "read me.txt").write_text("not a protocol")
    listed = json.loads(kap("list", "--json", **own).stdout)
    assert {row["name"]: (row["version"], Path(row["from"]).name) for row in listed} == {
        name: (DEFAULTS[name].version, "KAP") for name in DEFAULTS
    } | {"sublingual": (41, "ours.yaml"), "gentle": (41, "gentle.yaml")}
    assert "sublingual version 41, route sublingual: the clinic's own: " in kap("list", **own).stdout
    assert "- version: 41\n" in kap("show", "sublingual", **own).stdout
    assert kap("check", "gentle", **own).returncode == 0

    (tmp_path / "twice.yaml").write_text(lozenge)
    assert "ours.yaml are both called sublingual" in kap("show", "spravato", **own).stderr
    (tmp_path / "twice.yaml").write_text(lozenge.replace("rechecks: 2", "rechecks: 3"))
    wrong = kap("show", "spravato", **own)
    assert wrong.returncode == 1 and "kap: twice.yaml, line " in wrong.stderr
    assert "gates.rechecks should be at most 2" in wrong.stderr
    missing = kap("list", KAP_PROTOCOLS=str(tmp_path / "nowhere"))
    assert "KAP_PROTOCOLS names" in missing.stderr and "not a folder" in missing.stderr


@every_default
def test_a_proposed_default_is_called_so_on_the_page(name: str) -> None:
    for written in (protocol_page.markdown(page(name)), protocol_page.html(page(name))):
        _, _, tables = written.partition("Expected course")
        assert "[D]" not in tables
        assert tables.count("proposed default, to be signed off by the clinic") > 20
    shown = page(name)
    assert len([row for s in shown.sections for row in s.rows if s.title == "The rules of the watch"]) > 10
