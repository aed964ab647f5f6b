"""JSON logs for operators: ids only, one object a line, on standard error."""

import logging
import sys
import traceback
from types import TracebackType

import structlog

FRAMES_KEPT = 12


def configure_logs(*, level: int = logging.INFO) -> None:
    """Send everything that is logged to standard error as JSON. ``extra={"message_id": ...}`` becomes a field."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(as_json())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    # APScheduler warns whenever a tick waits for the one before, which is what ticks are told to do.
    logging.getLogger("apscheduler").setLevel(logging.ERROR)
    logging.getLogger("alembic").setLevel(logging.WARNING)


def as_json() -> logging.Formatter:
    """What makes one line of a record: whoever wants to know what leaves this process asks here."""
    shared: list[structlog.types.Processor] = [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _only_the_kind_of_failure,
    ]
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
    )


def _only_the_kind_of_failure(
    _logger: object, _method: str, entry: structlog.types.EventDict
) -> structlog.types.EventDict:
    """A traceback says where; a database's message may quote the values it refused, so only frames are kept."""
    failure = entry.pop("exc_info", None)
    if failure is True:
        failure = sys.exc_info()
    if isinstance(failure, BaseException):
        failure = (type(failure), failure, failure.__traceback__)
    if isinstance(failure, tuple) and failure[1] is not None:
        entry["failure"] = type(failure[1]).__name__
        entry["frames"] = _frames(failure[2])
    return entry


def _frames(trace: TracebackType | None) -> list[str]:
    """Where it happened, without what the variables held."""
    summary = traceback.extract_tb(trace)
    return [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in summary[-FRAMES_KEPT:]]
