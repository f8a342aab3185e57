"""Each test that docs/safety.md names is there."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_every_test_that_the_hazard_table_names_exists() -> None:
    sources = [file.read_text() for file in (ROOT / "tests").rglob("test_*.py")]
    there = {name for text in sources for name in re.findall(r"^(?:async )?def (test_\w+)", text, re.M)}
    page = (ROOT / "docs/safety.md").read_text()
    rows = [line for line in page.splitlines() if line.startswith("| ") and not line.startswith("| hazard")]
    assert len(rows) > 30
    for row in rows:
        named = re.findall(r"`(test_\w+)`", row)
        assert named, f"this hazard has no test: {row}"
        assert set(named) <= there, f"these tests are not there: {sorted(set(named) - there)}"
