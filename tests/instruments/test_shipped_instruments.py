"""What the shipped instruments hold, against the plan of the study."""

import csv
import re

import pytest

from backend.terms import Language
from schemas.seed_files import read_yaml
from seeds.questionnaires import CTCAE, INSTRUMENTS, read_terminology
from tests.study import contents, instrument

CORE = {
    "fatigue": "SI", "appetite": "SI", "nausea": "FS", "vomiting": "FS", "diarrhea": "F", "abdominal_pain": "FSI",
    "hand_foot": "S", "rash": "P", "itching": "S", "chills": "FS", "breathlessness": "SI", "concentration": "SI",
    "urine_color": "P", "nosebleed": "FS", "headache": "FSI",
}  # fmt: skip
EXTENDED = {
    "mouth_sores": "SI", "swallowing": "S", "hoarseness": "S", "bloating": "FS", "bowel_control": "FI",
    "limb_swelling": "FSI", "hair_loss": "A", "insomnia": "SI", "sadness": "FSI", "bruising": "P",
}  # fmt: skip
MORE = {
    "dry_mouth": "S", "mouth_corners": "S", "voice_changes": "P", "taste_changes": "S", "heartburn": "FS", "gas": "P",
    "hiccups": "FS", "constipation": "S", "cough": "SI", "wheezing": "S", "palpitations": "FS", "skin_dryness": "S",
    "acne": "S", "hives": "P", "nail_loss": "P", "nail_ridging": "P", "nail_discoloration": "P",
    "sun_sensitivity": "P", "pressure_sores": "P", "radiation_skin": "S", "skin_darkening": "P", "stretch_marks": "P",
    "numbness": "SI", "dizziness": "SI", "blurred_vision": "SI", "flashing_lights": "P", "visual_floaters": "P",
    "watery_eyes": "SI", "tinnitus": "S", "memory": "SI", "general_pain": "FSI", "muscle_pain": "FSI",
    "joint_pain": "FSI", "anxiety": "FSI", "discouragement": "FSI", "painful_urination": "S", "urinary_urgency": "FI",
    "urinary_frequency": "FI", "urinary_incontinence": "FI", "increased_sweating": "FS", "decreased_sweating": "P",
    "hot_flashes": "FS", "injection_site": "P", "body_odor": "S", "irregular_periods": "P", "missed_period": "P",
    "vaginal_discharge": "A", "vaginal_dryness": "S", "erection": "S", "ejaculation": "F", "decreased_libido": "S",
    "delayed_orgasm": "P", "no_orgasm": "P", "intercourse_pain": "S", "breast_swelling": "S",
}  # fmt: skip
# Terms by a code that was read by hand, some of each organ class.
SOME_TERMS = {
    "dry_mouth": "10013781", "radiation_skin": "10061103", "stretch_marks": "10040785", "discouragement": "10012378",
    "injection_site": "10022095", "missed_period": "10001927", "hot_flashes": "10020407", "numbness": "10034620",
}  # fmt: skip
PRIVATE = {
    "irregular_periods", "missed_period", "vaginal_discharge", "vaginal_dryness", "erection", "ejaculation",
    "decreased_libido", "delayed_orgasm", "no_orgasm", "intercourse_pain", "breast_swelling",
}  # fmt: skip
GRADED = ("core", "extended", "more")
SIGN_TERMS = {
    "chills": "Chills", "fever_medicine": "Fever", "breathless_at_rest": "Dyspnea", "fainted": "Syncope",
    "confused": "Confusion", "hard_to_wake": "Depressed level of consciousness",
    "cannot_write_or_speak": "Dysphasia", "seizure": "Seizure",
    "vomited_blood": "Upper gastrointestinal hemorrhage",
    "black_or_bloody_stool": "Upper gastrointestinal hemorrhage", "yellow_eyes": "Blood bilirubin increased",
    "dark_urine": "Urine discoloration", "new_rash": "Rash maculo-papular", "diarrhea": "Diarrhea",
    "swollen_belly": "Ascites", "severe_headache": "Headache", "vision_change": "Blurred vision",
    "cannot_keep_fluids": "Dehydration",
}  # fmt: skip
BOUNDS = {
    "temperature_c": (34.0, 43.0),
    "systolic_mmhg": (50, 260),
    "diastolic_mmhg": (30, 160),
    "weight_kg": (25, 200),
    "stools_over_baseline": (0, 30),
    "stools_per_day": (0, 30),
}
# Phrases that belong to the licensed wording and must never be ours.
LICENSED = (
    "in the last 7 days", "at its worst", "at their worst", "usual or daily activities", "interfere", "severity of",
    "a little bit", "somewhat", "quite a bit", "very much", "occasionally", "frequently", "almost constantly",
    "mild", "moderate", "very severe", "rarely", "how often did you have", "what was the",
)  # fmt: skip


def shapes_of(name):
    return {
        slug: "".join(attribute[0].upper() for attribute in symptom.attributes)
        for slug, symptom in instrument(name).symptoms.items()
    }


def everything_said(value):
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for inner in value.values():
            yield from everything_said(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from everything_said(inner)


def test_the_core_asks_fifteen_symptoms_in_twenty_seven_items():
    assert shapes_of("core") == CORE
    assert len(instrument("core").items) == 27


def test_the_extended_part_asks_ten_more_symptoms_in_eighteen_items():
    assert shapes_of("extended") == EXTENDED
    assert len(instrument("extended").items) == 18


def test_a_patient_who_reports_something_wrong_now_may_pick_any_of_eighty_symptoms():
    numbers = [
        entry["source_number"] for part in GRADED for entry in read_yaml(INSTRUMENTS / f"{part}.yaml").value["symptoms"]
    ]

    assert sorted(numbers) == list(range(1, 81))
    assert len(instrument("ad_hoc").offered) == 80
    assert len(instrument("ad_hoc").items) == 18 + 27 + 18 + 79


def test_what_is_private_is_offered_last():
    offered = [symptom.slug for symptom in instrument("ad_hoc").offered]

    assert set(offered[-len(PRIVATE) :]) == PRIVATE


def test_each_symptom_has_the_attributes_and_the_term_of_its_number():
    graded = {shape for content in contents().values() for shape in shapes_of(content["name"]).values()}

    assert graded == {"F", "S", "P", "A", "FS", "FI", "SI", "FSI"}
    assert shapes_of("ad_hoc") == CORE | EXTENDED | MORE
    assert {slug: instrument("ad_hoc").symptoms[slug].ctcae for slug in SOME_TERMS} == SOME_TERMS


def test_the_checklist_asks_eighteen_danger_signs_about_their_terms():
    asked = {entry["symptom"]: entry["ctcae_term"] for entry in contents()["checklist"]["items"]}

    assert asked == SIGN_TERMS
    assert {item.highest for item in instrument("checklist").items.values()} == {1}


def test_the_checklist_is_three_screens_of_six_rows_each_with_none_of_these():
    screens = contents()["weekly"]["screens"]

    assert [len(screen["items"]) for screen in screens] == [6, 6, 6]
    assert all(set(screen["none_of_these"]) == set(Language) for screen in screens)


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("checklist", [("checklist", "P7D")]),
        ("core", [("core", "P7D")]),
        ("extended", [("extended", "P7D")]),
        ("safety", [("checklist", "PT24H")]),
        ("weekly", [("checklist", "P7D"), ("core", "P7D")]),
        ("four_weekly", [("checklist", "P7D"), ("core", "P7D"), ("extended", "P7D")]),
        ("quarterly", [("checklist", "P7D"), ("core", "P7D"), ("extended", "P7D")]),
        ("baseline", [("checklist", "P7D"), ("core", "P7D"), ("extended", "P7D")]),
        ("ad_hoc", [("checklist", "PT24H"), ("core", "P7D"), ("extended", "P7D"), ("more", "P7D")]),
    ],
)
def test_each_instrument_has_its_parts_and_asks_about_its_time(name, parts):
    assert [(part["part"], part["recall"]) for part in contents()[name]["parts"]] == parts


def test_only_the_ad_hoc_report_offers_symptoms_instead_of_asking_them():
    offered = {(name, part["part"]) for name in contents() for part in contents()[name]["parts"] if part["offered"]}

    assert offered == {("ad_hoc", "core"), ("ad_hoc", "extended"), ("ad_hoc", "more")}


def test_every_measurement_has_the_bounds_of_the_plan_in_every_instrument():
    for name in contents():
        known = instrument(name).measurements
        assert {
            measurement.name: (measurement.minimum, measurement.maximum) for measurement in known.values()
        } == BOUNDS


@pytest.mark.parametrize("language", list(Language))
def test_every_item_has_a_question_and_a_label_for_each_answer(language):
    for content in contents().values():
        for entry in content["items"]:
            assert entry["question"][language]
            labels = entry["choices"][language]
            assert len(labels) == len(set(labels)) == entry["highest"] + 1


def test_no_phrase_of_the_licensed_wording_is_used():
    said = [text.casefold() for text in everything_said([*contents().values()]) if not text.startswith("[")]

    found = {phrase for phrase in LICENSED for text in said if re.search(rf"\b{re.escape(phrase)}\b", text)}

    assert found == set()


def test_every_instrument_says_that_its_wording_is_not_the_licensed_one():
    for content in contents().values():
        assert "not the licensed" in content["notice"]["en"]
        assert "不是" in content["notice"]["zh-CN"]


def test_chinese_questions_are_chinese():
    for content in contents().values():
        for entry in content["items"]:
            assert re.search("[\u4e00-\u9fff]", entry["question"]["zh-CN"])
            assert not re.search("[a-z]{3}", entry["question"]["zh-CN"])


def test_the_terminology_holds_every_term_used_and_only_real_grades():
    terms = {term["code"]: term for term in read_terminology()["terms"]}
    used = {entry["ctcae"] for content in contents().values() for entry in content["items"]}
    used |= {code for entry in contents()["weekly"]["measurements"] for code in entry["ctcae"]}

    assert used <= set(terms)
    assert terms["10042772"]["grades"] == [3]
    assert terms["10046628"]["grades"] == [1]
    assert terms["10021428"]["term"] == "Immune system disorders - Other, specify"


def test_the_terminology_file_is_ordered_for_people():
    with CTCAE.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))

    assert [(row["soc"], row["term"]) for row in rows] == sorted((row["soc"], row["term"]) for row in rows)
