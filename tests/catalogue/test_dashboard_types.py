"""The dashboard's types are the events' own: a catalogue that changed without them fails here."""

import os
import subprocess
import sys
from pathlib import Path

DASHBOARD = Path(__file__).parents[2] / "services/projections/dashboard"


def test_the_dashboards_types_are_generated_from_the_catalogue() -> None:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
    made = subprocess.run(
        ["node", "generate.mjs", "--print"],
        cwd=DASHBOARD,
        env={**os.environ, "PATH": path, "KAP_PYTHON": sys.executable},
        capture_output=True,
        text=True,
        check=False,
    )
    assert made.returncode == 0, made.stderr
    assert made.stdout == (DASHBOARD / "src/events.ts").read_text(), "run `npm run generate` in the dashboard"
