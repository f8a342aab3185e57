"""An assessment in which everything was asked about."""

from kap import protocol

ELIGIBILITY = {default.name: default.eligibility for default in protocol.defaults()}


def nothing_but(name: str, *found: str) -> list[str]:
    """What this protocol asks about and was answered with no: all but what was found."""
    rules = ELIGIBILITY[name]
    asked = [*rules.rules, *(f"drug.{drug}" for drug in rules.interacting_drugs)]
    return [rule for rule in asked if rule not in found]
