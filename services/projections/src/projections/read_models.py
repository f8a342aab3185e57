"""All read models, and the process that keeps them: `python -m projections --only read-models`."""

from projections.alarms import alarms
from projections.care_plans import care_plans
from projections.courses import courses
from projections.read_model import Keeper, Log, ReadModel
from projections.sessions import sessions
from projections.timeline import timeline
from projections.vitals import vitals

MODELS: dict[str, ReadModel] = {
    model.kind: model for model in (sessions, timeline, vitals, courses, care_plans, alarms)
}


def keepers(log: Log, database_url: str) -> list[Keeper]:
    """One for each read model: run them with `keep`, and ask `unready` for /readyz."""
    return [Keeper(log, database_url, model) for model in MODELS.values()]
