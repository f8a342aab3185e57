"""`python -m projections --only feed,http`: the staff gateway; `--only read-models`: the read models."""

import argparse

from kap import service

from projections.app import PARTS, build


def _parts(text: str) -> list[str]:
    parts = text.split(",")
    if unknown := [part for part in parts if part not in PARTS]:
        raise argparse.ArgumentTypeError(f"{unknown[0]!r} is none of {', '.join(PARTS)}")
    return parts


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m projections", description=__doc__)
    parser.add_argument("--only", type=_parts, default=list(PARTS), help=f"any of {', '.join(PARTS)}")
    only = parser.parse_args().only
    name = "read-models" if only == ["read-models"] else "gateway"
    service.main(name, lambda: build(only))
