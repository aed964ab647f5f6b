"""Everything that can go wrong on purpose, each with its stable code.

Below the doors a failure is one of these, raised. A door turns the ``kind`` into whatever its outside
speaks (the API: a status and ``application/problem+json``). ``code`` is for programs and never changes;
``title`` and the message are for people. ``docs/errors.md`` lists them all, and a test compares.
"""

from collections.abc import Iterator, Mapping
from enum import Enum
from typing import ClassVar


class Kind(Enum):
    """What sort of refusal it is; the doors decide how to say it."""

    INVALID = "invalid"
    MALFORMED = "malformed"
    UNAUTHENTICATED = "unauthenticated"
    FORBIDDEN = "forbidden"
    NOT_FOUND = "not_found"
    CONFLICT = "conflict"
    STALE = "stale"
    PRECONDITION_REQUIRED = "precondition_required"
    TOO_LARGE = "too_large"
    UNSUPPORTED_MEDIA = "unsupported_media"
    NOT_ALLOWED = "not_allowed"
    NOT_ACCEPTABLE = "not_acceptable"
    TOO_MANY = "too_many"
    UNAVAILABLE = "unavailable"
    UNEXPECTED = "unexpected"


class FollowupError(Exception):
    """Base of every named failure."""

    code: ClassVar[str] = "unexpected"
    kind: ClassVar[Kind] = Kind.UNEXPECTED
    title: ClassVar[str] = "Something went wrong on our side."

    def __init__(self, detail: str = "", *, fields: Mapping[str, list[str]] | None = None, **facts: object) -> None:
        """Say what happened.

        ``fields`` holds complaints by field path (``answers.0.value``). ``facts`` are safe to show: keys,
        dates and bounds, never a patient's words or an identifier.
        """
        super().__init__(detail or self.title)
        self.detail = detail or self.title
        self.fields = dict(fields or {})
        self.facts = facts


# --- the request itself ------------------------------------------------------------------------------------


class UnreadableRequest(FollowupError):
    """The request itself is garbled: its address, its host, its headers or its length."""

    code, kind, title = "unreadable_request", Kind.MALFORMED, "The request could not be understood."


class MalformedBody(FollowupError):
    """The body is not JSON that we are willing to read."""

    code, kind, title = "malformed_body", Kind.MALFORMED, "The body could not be read as JSON."


class BodyTooLarge(FollowupError):
    """The body is longer than 64 kB."""

    code, kind, title = "body_too_large", Kind.TOO_LARGE, "The body is too large."


class UnsupportedMediaType(FollowupError):
    """The body is not declared as JSON."""

    code, kind, title = "unsupported_media_type", Kind.UNSUPPORTED_MEDIA, "Send the body as application/json."


class InvalidInput(FollowupError):
    """A field is missing, unknown, of a wrong type or out of its bounds."""

    code, kind, title = "invalid_input", Kind.INVALID, "Some fields need to be corrected."


class InvalidCursor(FollowupError):
    """The cursor did not come from us."""

    code, kind, title = "invalid_cursor", Kind.INVALID, "The cursor is not one that this list gave out."


class NotFound(FollowupError):
    """There is no such thing, or it is not yours: the answer is the same."""

    code, kind, title = "not_found", Kind.NOT_FOUND, "There is nothing here."


class MethodNotAllowed(FollowupError):
    """The address exists, but not for this method."""

    code, kind, title = "method_not_allowed", Kind.NOT_ALLOWED, "This address does not take that method."


class NotAcceptable(FollowupError):
    """We cannot answer in any of the media types asked for."""

    code, kind, title = "not_acceptable", Kind.NOT_ACCEPTABLE, "None of the media types asked for is available."


class DatabaseBusy(FollowupError):
    """The database is locked, read-only, full or gone; nothing was written."""

    code, kind, title = "database_busy", Kind.UNAVAILABLE, "The database is busy; please try again shortly."


class Unexpected(FollowupError):
    """A defect of ours. The request id finds it in the log."""

    code, kind, title = "unexpected", Kind.UNEXPECTED, "Something went wrong on our side."


# --- who is asking -----------------------------------------------------------------------------------------


class NotSignedIn(FollowupError):
    """No token, or one that is unknown, expired or revoked."""

    code, kind, title = "not_signed_in", Kind.UNAUTHENTICATED, "Please sign in."


class SignInRefused(FollowupError):
    """Wrong, used or expired: never which, so that nothing can be guessed."""

    code, kind, title = "sign_in_refused", Kind.UNAUTHENTICATED, "These details do not match."


class NotPermitted(FollowupError):
    """The right person, but not a role that may do this."""

    code, kind, title = "not_permitted", Kind.FORBIDDEN, "Your role does not allow this."


class ArmsAreBlinded(FollowupError):
    """A role that the protocol keeps blind asked for the figures of one arm."""

    code, kind, title = "arms_blinded", Kind.FORBIDDEN, "The protocol lets your role compare no arms."


class SecondFactorRequired(FollowupError):
    """A session that was opened without a second factor may only set one up."""

    code, kind = "second_factor_required", Kind.FORBIDDEN
    title = "Set up an authenticator first; this session opens nothing else."


class TooManyAttempts(FollowupError):
    """A limit on guesses was reached."""

    code, kind, title = "too_many_attempts", Kind.TOO_MANY, "Too many attempts; please wait a little."


# --- changing a record -------------------------------------------------------------------------------------


class PreconditionRequired(FollowupError):
    """A change of this record must name the version it was read at."""

    code, kind, title = "precondition_required", Kind.PRECONDITION_REQUIRED, "Send the record's ETag as If-Match."


class StaleRecord(FollowupError):
    """Somebody changed the record since it was read."""

    code, kind, title = "stale_record", Kind.STALE, "The record has changed since you read it."


class NoLongerPossible(FollowupError):
    """The state of the record does not allow this act any more."""

    code, kind, title = "no_longer_possible", Kind.CONFLICT, "This is no longer possible."


class NotSerious(FollowupError):
    """Only a serious event is reported."""

    code, kind, title = "not_serious", Kind.CONFLICT, "This event is not serious."


class NotLostToFollowUp(FollowupError):
    """Lost to follow-up is by its definition only; ``missing`` says what it still asks for."""

    code, kind = "not_lost_to_follow_up", Kind.CONFLICT
    title = "The definition of lost to follow-up is not met."


class ReportOutOfOrder(FollowupError):
    """A safety report of this kind cannot come now: the initial one is first, and nothing follows the final one."""

    code, kind, title = "report_out_of_order", Kind.CONFLICT, "A safety report of this kind cannot come now."


class NotInEffect(FollowupError):
    """The version of the protocol does not hold at this site on this day."""

    code, kind, title = "not_in_effect", Kind.CONFLICT, "This version of the protocol does not hold here."


class ClaimedByAnother(FollowupError):
    """One person works on a candidate event at a time."""

    code, kind, title = "claimed_by_another", Kind.CONFLICT, "Somebody else has taken this on."


class AlreadyExists(FollowupError):
    """There is one already, and there may be only one."""

    code, kind, title = "already_exists", Kind.CONFLICT, "There is one already."


class ReportIdTaken(FollowupError):
    """The same report id was used for different answers."""

    code, kind, title = "report_id_taken", Kind.CONFLICT, "This report id already holds different answers."


class SamePersonMayNot(FollowupError):
    """A second person must decide."""

    code, kind, title = "same_person_may_not", Kind.FORBIDDEN, "Another person than the reporter must decide this."


# --- study content -----------------------------------------------------------------------------------------


class BadSeedFile(FollowupError):
    """A seed file does not have the shape it must have; the message names file, line and field."""

    code, kind, title = "bad_seed_file", Kind.INVALID, "A seed file is wrong."


class BadWorkbook(FollowupError):
    """A workbook of terms is not one that we understand; the message names sheet, row and column."""

    code, kind, title = "bad_workbook", Kind.INVALID, "The workbook is not understood."


class TermsDiffer(FollowupError):
    """Terms are told otherwise than the same version here tells them; a version's terms never change."""

    code, kind, title = "terms_differ", Kind.INVALID, "These terms are not those of that version."


class BadTemplate(FollowupError):
    """A message's text is missing, too long, or does not fit what the manifest or the sender says of it."""

    code, kind, title = "bad_template", Kind.UNEXPECTED, "A message template is wrong."


class StudyNotLoaded(FollowupError):
    """The database holds no protocol yet."""

    code, kind, title = "study_not_loaded", Kind.UNAVAILABLE, "No study is loaded; run followup seed."


# --- keys and operation ------------------------------------------------------------------------------------


class WrongDataKey(FollowupError):
    """No configured master key opens this data key, or a sealed value was moved or altered."""

    code, kind, title = "wrong_data_key", Kind.UNAVAILABLE, "The data keys configured do not open this database."


class WrongIndexKey(FollowupError):
    """The index key is not the one this database was used with: every number would look unknown."""

    code, kind = "wrong_index_key", Kind.UNAVAILABLE
    title = "FOLLOWUP_INDEX_KEY is not the one this database was used with; put it back."


class WrongSecretKey(FollowupError):
    """The secret key is not the one this database was used with: every session and code would be dead."""

    code, kind = "wrong_secret_key", Kind.UNAVAILABLE
    title = (
        "FOLLOWUP_SECRET_KEY is not the one this database was used with; put it back, or, if everybody is to sign "
        "in anew: followup keys accept-secret"
    )


class Forgotten(FollowupError):
    """The patient's key was shredded: nothing that names anybody can be read or kept any more."""

    code, kind, title = "forgotten", Kind.CONFLICT, "This patient was forgotten; nothing can be added in words."


class StillNeeded(FollowupError):
    """A patient cannot be forgotten while something about them still needs a name or a number."""

    code, kind, title = "still_needed", Kind.CONFLICT, "This patient's identifiers are still needed."


class BadSettings(FollowupError):
    """The environment does not hold what is needed to start; every complaint at once."""

    code, kind, title = "bad_settings", Kind.UNEXPECTED, "The settings are not complete."


class SchemaOutOfDate(FollowupError):
    """The database was made by another version of this program."""

    code, kind, title = "schema_out_of_date", Kind.UNAVAILABLE, "The database schema is not the one this version needs."


class BadBackup(FollowupError):
    """A file is no backup of ours, is damaged, or was made with other keys or by another version."""

    code, kind, title = "bad_backup", Kind.INVALID, "This backup cannot be used."


class NotEmpty(FollowupError):
    """A backup was to be restored over something that is there already, or still in use."""

    code, kind, title = "not_empty", Kind.CONFLICT, "There is a database already, and nothing was touched."


class NotADemo(FollowupError):
    """A demo was asked to use a database that may hold real patients."""

    code, kind, title = "not_a_demo", Kind.CONFLICT, "This folder holds a database that is not a demo."


def catalogue() -> Iterator[type[FollowupError]]:
    """Every named failure, in the order of this file."""
    return iter(FollowupError.__subclasses__())
