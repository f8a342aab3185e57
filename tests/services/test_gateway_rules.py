"""What the staff gateway decides without any server: permissions, limits on attempts, its settings."""

from pathlib import Path

import pytest
from kap.settings import SettingError
from projections import keys, staff
from projections.permissions import COMMANDS
from projections.sign_ins import Attempts


def test_attempts_are_counted_by_name_and_address_and_forgotten_after_their_window() -> None:
    attempts = Attempts(allowed=2, window_s=60, size=3)
    for _ in range(2):
        assert attempts.wait_s("a", "here", now=0) == 0
        attempts.failed("A", "here", now=0)
    assert attempts.wait_s("a", "here", now=20) == 40
    assert attempts.wait_s("a", "there", now=20) == 0
    assert attempts.wait_s("a", "here", now=60) == 0
    for n in range(9):
        attempts.failed(str(n), "here", now=61)
    assert len(attempts._tries) == 3


def test_what_matters_most_is_not_left_to_the_table_alone() -> None:
    every = {kind: p.roles for table in COMMANDS.values() for kind, p in table.items()}
    assert every["ForgetPerson"] == {"admin"}
    assert every["GiveDose"] == every["CheckDose"] == {"nurse", "prescriber"}
    for kind in ("Assess", "ClearFinding", "OverrideGate", "ChangeLimits"):
        assert every[kind] == {"prescriber"}
    assert not any({"wall", "auditor"} & roles for roles in every.values())


def test_a_wrong_clinic_key_file_is_refused_by_name(tmp_path: Path) -> None:
    file = tmp_path / "key"
    for content in ("", "not base64!", "c2hvcnQ=", "\x00\xff"):
        file.write_text(content)
        with pytest.raises(SettingError, match=r"KAP_CLINIC_KEY_FILE.*32 random bytes in base64"):
            keys.clinic_key(file)


def test_a_missing_setting_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KAP_CLINIC_KEY_FILE", raising=False)
    with pytest.raises(SettingError, match="KAP_CLINIC_KEY_FILE is not set"):
        staff.from_environment()
