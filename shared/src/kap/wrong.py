"""What pydantic finds wrong, as a clinician is told it: what a value should be, never the value itself."""

from pydantic import ValidationError
from pydantic_core import ErrorDetails

_WORDS = {
    "missing": "is missing",
    "greater_than": "should be over {gt:g}",
    "greater_than_equal": "should be at least {ge:g}",
    "less_than": "should be under {lt:g}",
    "less_than_equal": "should be at most {le:g}",
    "int_type": "should be a whole number",
    "int_parsing": "should be a whole number",
    "int_from_float": "should be a whole number",
    "float_type": "should be a number",
    "float_parsing": "should be a number",
    "bool_type": "should be yes or no",
    "bool_parsing": "should be yes or no",
    "string_type": "should be text",
    "string_too_long": "should have at most {max_length} characters",
    "extra_forbidden": "is not known here",
}


def wrong(error: ValidationError) -> list[tuple[list[str], str]]:
    """Each wrong field's path, and what it should be."""
    return [([str(part) for part in detail["loc"]], _said(detail)) for detail in error.errors()]


def _said(detail: ErrorDetails) -> str:
    words = _WORDS.get(detail["type"])
    if words is None:
        return detail["msg"].replace("Input should", "should", 1)
    return words.format(**detail.get("ctx", {}))
