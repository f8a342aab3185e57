"""`kap score` as anyone runs it: its output, its exit codes, its sentences."""

import json
import subprocess
import sys
from typing import Any

import pytest
from kap.scores import SCORES

SEDATED = {
    "respiratory_rate": 18,
    "spo2": 95,
    "spo2_scale": 1,
    "on_oxygen": False,
    "systolic": 178,
    "heart_rate": 105,
    "consciousness": "V",
    "temperature": 36.9,
}


def kap_score(*arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "kap_local.cli", "score", *arguments],
        input=stdin,
        capture_output=True,
        text=True,
        timeout=60,
    )


def printed(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    assert (done.returncode, done.stderr) == (0, "")
    result: dict[str, Any] = json.loads(done.stdout)
    assert list(result) == ["total", "band", "missing", "parts"]
    return result


def test_one_json_object_is_printed() -> None:
    result = printed(kap_score("news2", json.dumps(SEDATED)))
    assert (result["total"], result["band"], result["missing"]) == (5, "medium", [])
    assert sum(result["parts"].values()) == 5
    assert result["parts"]["consciousness"] == 3


def test_the_values_may_come_from_stdin_and_the_name_as_it_is_written() -> None:
    assert printed(kap_score("MOAA/S", "-", stdin='{"moaas": 4}'))["total"] == 4
    assert printed(kap_score("CADSS-6", "-", stdin='{"item_1": 4}'))["parts"] == {"item_1": 4}


def test_what_is_missing_gives_null_and_no_error() -> None:
    result = printed(kap_score("news2", json.dumps(SEDATED | {"temperature": None})))
    assert (result["total"], result["band"], result["missing"]) == (None, None, ["temperature"])
    assert result["parts"]["consciousness"] == 3


@pytest.mark.parametrize(
    "name, values, said",
    [
        ("news2", '{"spo2": 101}', "kap: spo2 should be a number from 0 to 100 (%), and is 101.\n"),
        ("news2", '{"spo2": NaN}', "kap: spo2 should be a number from 0 to 100 (%), and is NaN.\n"),
        ("news2", '{"pulse": 70}', 'kap: "pulse" is not a field of NEWS2: they are respiratory_rate, spo2,'),
        ("news2", '{"spo2": 97, "spo2": 80}', '"spo2" stands there twice'),
        ("news2", "[97]", "should be one JSON object with the fields respiratory_rate,"),
        ("news2", "97 %", "cannot be read"),
        ("news2", "", "cannot be read"),
        ("news2", "[" * 100_000, "cannot be read"),
        ("aldrete", '{"spo2": 97}', "kap: spo2 should be a whole number from 0 to 2 (2 over 92 % on air,"),
        ("moaas", '{"moaas": 6}', "kap: moaas should be a whole number from 0 to 5 ("),
        (
            "apgar",
            "{}",
            'kap: "apgar" is not a score that KAP knows: they are news2, moaas, cadss6, aldrete.\n',
        ),
    ],
)
def test_what_cannot_be_ends_with_two_and_a_sentence(name: str, values: str, said: str) -> None:
    done = kap_score(name, "-", stdin=values)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr
    assert done.stderr.startswith("kap: ") and done.stderr.endswith(".\n") and "Traceback" not in done.stderr


def test_every_problem_is_named() -> None:
    done = kap_score("news2", '{"spo2": 101, "heart_rate": -1}')
    assert done.returncode == 2
    assert [line.split()[1] for line in done.stderr.splitlines()] == ["spo2", "heart_rate"]


def test_the_help_lists_the_fields_of_each_score() -> None:
    done = kap_score("--help")
    assert done.returncode == 0
    for name, published in SCORES.items():
        assert f"{name}: {published.title}" in done.stdout
        for field in published.given.model_fields:
            assert f"{field}: " in done.stdout
