"""How the invented people of a simulation behave: every number, its unit, and where it comes from.

None of it is used to follow a real patient. "Assumption" means that nobody measured it; each was chosen so that every
path of the product is walked, also the rare ones, and not so that the results look like a publication's.
"""

from datetime import time, timedelta

# --- who comes, and when -----------------------------------------------------------------------------------

SITES = ("site-01", "site-02", "site-03")  # the study's own (seeds/sites.yaml)
ARMS = ("nk", "control")  # one to one, in blocks of four (assumption)
DRUGS = ("sorafenib", "regorafenib", "lenvatinib")
# Months of staggered enrolment in a trial of five years or more, and the share of a shorter one. Assumption.
ENROLMENT_MONTHS, ENROLMENT_SHARE = 24, 0.4
CONSENTED_BEFORE = timedelta(days=4)  # assumption
BORN = (1940, 1985)  # years of birth, evenly; assumption
SPEAKS_ENGLISH = 0.1  # share of patients; assumption
ENROLLED_AT = time(10, 30)
HAS_CAREGIVER = 0.8  # share of patients who name somebody who may confirm; assumption

# --- by which way they are reached ---------------------------------------------------------------------------

# Shares of patients: app and texts, texts alone, app alone. Assumption.
WAYS = {"app": 0.60, "texts": 0.32, "app_alone": 0.08}
PREFERRED_TIMES = (None, None, None, time(19, 30))  # None: the protocol's own hour; assumption

# --- how they answer -----------------------------------------------------------------------------------------

# Shares of patients. Assumption.
ADHERENCE = {"adherent": 0.65, "sporadic": 0.23, "silent": 0.12}
# Chance that one prompt is answered. In the middle they lie near the 73 % of visits at which patients of a trial of
# reporting by tablet reported (Basch and others, J Clin Oncol 2016, 34:557); each number by itself is an assumption.
ANSWERS_A_PROMPT = {"adherent": 0.88, "sporadic": 0.40, "silent": 0.04}
# Share of those with texts alone who answer questionnaires by text; the others wait for the call. Assumption.
ANSWERS_SURVEYS_BY_TEXT = 0.3
TIME_TO_TYPE = timedelta(minutes=1)  # from a question by text to its answer, in one sitting; assumption
# How much each site asks by text (a word of TextSurveys).
TEXT_SURVEYS = {"site-01": "full", "site-02": "short", "site-03": "short"}
# Hours of the day at which people take their phones; an answer comes at the next, or one of the next. Assumption.
AT_THE_PHONE = (time(10, 0), time(12, 30), time(20, 0))
ANSWERS_AT_ONCE = 0.7  # share of answers that come at the next such hour, the rest at a later one; assumption
ANSWERS_AN_INVITATION = 0.7  # share of texts about visits and infusions that are answered; assumption
ASKS_FOR_ANOTHER_DATE = 0.05  # share of those answers; assumption
REPORTS_BY_TEXT_TOO = 0.02  # chance a week of a text in words that a person must read; assumption
PICKS_UP = {"adherent": 0.75, "sporadic": 0.55, "silent": 0.30}  # chance that a call is taken; assumption

# --- what they report ----------------------------------------------------------------------------------------

# Chance that a symptom is there at all in a report, by symptom; 0 to 4 by the weights below. Assumption.
HAS_SYMPTOM = {"fatigue": 0.45, "appetite": 0.35, "hand_foot": 0.15, "abdominal_pain": 0.20, "diarrhea": 0.15}
SEVERITIES, SEVERITY_WEIGHTS = (1, 2, 3, 4), (0.62, 0.28, 0.08, 0.02)  # assumption
WORSE_BEFORE_DEATH = timedelta(days=45)  # symptoms are twice as frequent in the last days; assumption
# Fever, degrees Celsius, on the first days after cells were given. Assumption: no rate is published for this product.
FEVER_AFTER_CELLS, FEVER_DAYS, FEVER_C = 0.25, 2, (38.1, 39.4)
DANGER_SIGN = 0.004  # chance that a report says yes to a danger sign; assumption
USUAL_C = (36.2, 37.0)

# --- visits and infusions ------------------------------------------------------------------------------------

COMES_TO_A_VISIT = {"adherent": 0.97, "sporadic": 0.85, "silent": 0.60}  # assumption
VISIT_IS_RECORDED_AFTER = timedelta(hours=7)  # the coordinator enters the day's visits at its end; assumption
FIRST_COLLECTION_AFTER = timedelta(days=5)  # from enrolment; assumption
COLLECTION_IS_LATE, LATE_BY_DAYS = 0.2, (2, 9)  # share of collections, days; assumption
CONFIRMED_AFTER = timedelta(days=12)  # in-process tests (the protocol's confirm_after_days)
RELEASE_FAILS = 0.05  # share of collections; assumption
NEW_COLLECTION_AFTER = timedelta(days=7)  # after a failed release; assumption
DAY_2_IS_MISSED = 0.04  # share of cycles; assumption
INFUSION_IS_MOVED, MOVED_BY_DAYS = 0.08, (1, 4)  # share of confirmed cycles, days; assumption
BETWEEN_CYCLES = timedelta(days=13)  # next collection after the actual day 1 (the protocol's 28 days less culture)
CYCLES = 3  # the trial's record

# --- leaving, and changes ------------------------------------------------------------------------------------

# Hazards a year, each exponential. Assumption.
STOPS_TEXTS_A_YEAR, RETURNS_TO_TEXTS, RETURNS_AFTER_DAYS = 0.06, 0.5, (5, 90)
CHANGES_NUMBER_A_YEAR = 0.10
VANISHES_A_YEAR = 0.04  # moves away without a word, and answers nothing any more
WITHDRAWS_FROM_REPORTING_A_YEAR = 0.04
WITHDRAWS_FROM_STUDY_A_YEAR = 0.03
ALLOWS_RECORD_SEARCH = 0.7  # share of withdrawals from the study
HOSPITAL_A_YEAR = 0.15  # unplanned stays
STAY_DAYS = (3, 14)
MISTAKEN_DEATH_A_YEAR = 0.01  # somebody reports the death of the wrong person

# --- death ---------------------------------------------------------------------------------------------------

# Median months from randomisation. Control: 10.7 with sorafenib (Llovet and others, SHARP, N Engl J Med 2008,
# 359:378) and 13.6 with lenvatinib (Kudo and others, REFLECT, Lancet 2018, 391:1163), so 12 between them. The NK arm
# is set better, so that the comparison has something to find: an assumption and no claim.
MEDIAN_MONTHS = {"nk": 14.0, "control": 12.0}
WEIBULL_SHAPE = 1.1  # 1 is exponential; a hazard that rises a little is an assumption
DAYS_IN_A_MONTH = 30.4375
# How the study hears of a death at home, as shares, and after how many days. Assumption.
NEWS = {"text_from_own_phone": 0.20, "caregiver": 0.25, "staff": 0.40, "never": 0.15}
NEWS_AFTER_DAYS = {"text_from_own_phone": (0, 10), "caregiver": (1, 20), "staff": (1, 30)}
PARTIAL_DATE = 0.15  # share of deaths told to the month only
FAMILY_TELLS_ON_THE_PHONE = 0.7  # chance that a call to the dead patient's phone or family brings the news
REGISTRY_KNOWS_AFTER = timedelta(days=60)  # from then a look-up finds the death

# --- those who work there ------------------------------------------------------------------------------------

STAFF_LOOK_AT = (time(10, 0), time(15, 0))  # working hours of the site; assumption
DOES_A_TASK = 0.8  # chance that a task due is worked on at one such look; assumption
TRIES_A_CALL = 3  # days on which somebody is called about a missed report before it is let go; assumption
DAYS_BETWEEN_TRIES = {"survival": 3, "report": 1}  # days; assumption
TAKES_NOTE_OF_EMERGENCY = timedelta(minutes=12)  # who is on call; assumption
INVESTIGATOR_APPROVES_AFTER_DAYS = (1, 5)  # assumption
CAREGIVER_ANSWERS = 0.55  # chance that a call to a caregiver is taken; assumption
CAREGIVER_CALLS_BACK = 0.4  # chance that the text that asks a caregiver to call is followed; assumption
PHYSICIAN_KNOWS = 0.4  # chance that the referring physician saw the patient lately; assumption

# --- what physicians find, in a demo alone -------------------------------------------------------------------

IS_AN_ADVERSE_EVENT = 0.4  # share of candidates that become one; the others are let go; assumption
FATAL, SEVERE = 5, 3  # grades of CTCAE
GRADE_BY_TIER = {"T1": 3, "T2": 2, "T3": 1}  # where no rule proposes a grade; assumption
SIGNED_AFTER = timedelta(days=14)  # from the draft to the signature, when it is over; assumption
GROWS_BEFORE_DEATH = timedelta(days=75)  # within so many days of the end a scan shows progression; assumption
# What a scan shows of a tumour that has not grown yet, by arm. Assumption; the arms differ so that there is something
# to see, which is no claim.
TUMOUR_RESPONSE = {
    "nk": {"PR": 0.25, "SD": 0.60, "PD": 0.15},
    "control": {"PR": 0.08, "SD": 0.65, "PD": 0.27},
}
