"""Which commands the page keeps while the network is away: decided for each; no free text on a disk."""

import json
from pathlib import Path

import pytest
from intake import course
from integration import care_plan, task
from kap.personal import PERSONAL_FIELDS
from projections.permissions import COMMANDS
from session_monitor import session

DASHBOARD = Path(__file__).parents[2] / "services/projections/dashboard"
KEPT = json.loads((DASHBOARD / "src/kept.json").read_text(encoding="utf-8"))
KEEPING = {name: rule["keep"] for rules in KEPT.values() for name, rule in rules.items() if "keep" in rule}


def test_every_command_is_decided() -> None:
    assert {owner: set(rules) for owner, rules in KEPT.items()} == {
        owner: set(commands) for owner, commands in COMMANDS.items()
    }


@pytest.mark.parametrize("name", KEEPING)
def test_what_is_kept_names_all_of_its_free_text(name: str) -> None:
    model = next(getattr(owner, name) for owner in (session, course, care_plan, task) if hasattr(owner, name))
    assert set(KEEPING[name]) == PERSONAL_FIELDS & set(model.model_fields)
