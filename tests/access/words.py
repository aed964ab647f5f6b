"""Names, numbers and words about Ann in every place where a person can write them, each to be known again."""

from tests.access.world import API, OWN, World
from tests.people import investigator, phone_of
from tests.sent import report_body

# Who cares for Ann reads these somewhere; the rest is kept and shown by no route yet.
SHOWN = frozenset(
    {
        "Canary Ann",
        "+8613800138101",
        "canary.ann@example.org",
        "canary carer",
        "+8613800138155",
        "canary aunt",
        "canary symptom",
        "canary text",
        "canary own",
        "canary reply",
        "canary cause",
        "canary informant",
        "canary kin",
        "canary denial",
        "canary correction",
        "canary expected",
        "canary pause",
        "canary stay",
        "canary stop",
        "canary event",
    }
)
# A deviation's reason is shown when one patient's are asked for: tests/api/test_deviations.py.
KEPT = frozenset({"canary behalf", "canary note", "canary task", "canary deviation", "canary mistake"})
CANARIES = SHOWN | KEPT

CARER = {"name": "canary carer", "phone": "+8613800138155", "relation": "canary aunt"}
DEATH = {"died_on": "2027-02-28", "cause": "canary cause", "informant": "canary informant", "relation": "canary kin"}
ALIVE = {"status": "alive", "as_of": "2027-03-01", "source": "phone", "note": "canary note"}


def leave_words(world: World) -> None:
    """Write in every place that takes words."""
    anns = world.records[OWN]
    staff, of_ann = world.staff["site-01"].headers, f"{API}/patients/{anns.patient_id}"
    world.post(f"{of_ann}/caregivers", CARER, staff)
    said = {"other_symptoms": [{"text": "canary symptom", "severity": 2}]}
    report = report_body(mode="phone", on_behalf_reason="canary behalf", **said)
    anns.report_id = world.post(f"{of_ann}/reports", report, staff)["id"]
    # The words came last, so it is theirs that the newest candidate is about.
    anns.candidate_id = world.client.get(f"{of_ann}/reports/{anns.report_id}", headers=staff) and _about(world, staff)
    expected = {"until": "2027-03-20", "reason": "canary expected"}
    world.post(f"{API}/candidate-events/{anns.candidate_id}/snoozes", expected, staff)
    changed = {"consented_on": "2027-02-02", "reason": "canary correction"}
    tag = {"If-Match": world.tag(of_ann)}
    assert world.client.patch(of_ann, json=changed, headers=staff | tag).status_code == 200
    world.post(f"{of_ann}/survival-statuses", ALIVE, staff)
    resolution = {"outcome": "canary task", "note": "canary note"}
    world.post(f"{API}/worklist/{anns.item_id}/resolutions", resolution, staff)
    deviation = {"kind": "visit_missed", "occurred_on": "2027-02-28", "subject": "visit.m1", "important": False}
    deviation |= {"patient": str(anns.patient_id), "reason": "canary deviation"}
    world.post(f"{API}/deviations", deviation, staff)
    _on_the_phone(world)
    _on_call(world)
    told = world.post(f"{of_ann}/death-reports", DEATH, staff)["id"]
    physician = investigator(world.db).headers
    world.post(f"{API}/death-reports/{told}/denials", {"reason": "canary denial"}, physician)


def _about(world: World, staff: dict[str, str]) -> str:
    listed = world.client.get(f"{API}/candidate-events?site=site-01", headers=staff).json["items"]
    return next(str(one["id"]) for one in listed if one["term"] is None and one["patient"]["id"] == str(world.ann.id))


def _on_call(world: World) -> None:
    """Who would be paged: a name that not everybody reads."""
    anns = world.records[OWN]
    shift = {"staff_id": str(anns.staff_id), "from": "2027-03-01T08:00:00+08:00", "to": "2027-03-15T08:00:00+08:00"}
    path = f"{API}/sites/{anns.site}/on-call"
    answer = world.client.put(path, json={"shifts": [shift]}, headers=world.staff["site-01"].headers)
    assert answer.status_code == 200, answer.text


def _on_the_phone(world: World) -> None:
    phone = phone_of(world.db, world.ann).headers
    world.post(f"{API}/me/messages", {"text": "canary own"}, phone)
    asking = {"reply": "please_change", "note": "canary reply"}
    answer = world.client.post(f"{API}/me/agenda/cycle-1.day-1/reply", json=asking, headers=phone)
    assert answer.status_code == 200, answer.text
