"""Grades that are arithmetic. Pure.

A composite grade (0-3, Basch 2021) sums up the answers about one symptom; it is not a CTCAE grade and is never
called one. Home measurements do have a CTCAE v5 grade of their own, shown as provisional.
"""

from collections.abc import Mapping, Sequence

FEVER = "10016558"
HYPERTENSION = "10020772"
HYPOTENSION = "10021097"
WEIGHT_LOSS = "10047900"
WEIGHT_GAIN = "10047896"
DIARRHEA = "10012727"
HIGH_FEVER = 40.0
# By how much a value must change, in its own unit, before it counts as worse within one grade or where there is no
# grade, by term; negative where lower is worse. Ours, to be confirmed by the investigators: above what two readings
# of the same patient differ by, and far below what would need other treatment.
WORSE_BY: Mapping[str, Mapping[str, float]] = {
    FEVER: {"temperature_c": 0.5},
    HYPERTENSION: {"systolic_mmhg": 10, "diastolic_mmhg": 10},
    HYPOTENSION: {"systolic_mmhg": -10},
    DIARRHEA: {"stools_over_baseline": 2},
    WEIGHT_LOSS: {"weight_loss_percent": 2},
    WEIGHT_GAIN: {"weight_kg": 2},
}
# The answers that say how bad a symptom is, rather than how often or how much of it there is: any step up is worse.
HOW_BAD = frozenset({"severity", "interference"})

# One attribute: the place is the answer.
ONE = {
    ("frequency",): "01123",
    ("severity",): "01233",
    ("interference",): "01122",
    ("amount",): "01122",
}
# Two attributes: the row is the first answer from 1, the place in it the second from 0.
TWO = {
    ("frequency", "severity"): ("11122", "11222", "11233", "11233"),
    ("frequency", "interference"): ("11122", "11122", "11233", "11233"),
    ("severity", "interference"): ("11122", "11223", "12233", "22233"),
}
# Three attributes: for each frequency from 1 the rows are severity from 0, the places interference from 0.
THREE = {
    ("frequency", "severity", "interference"): (
        ("01122", "11122", "12223", "22233", "22333"),
        ("01122", "11122", "22233", "22233", "22333"),
        ("11122", "11122", "22233", "22333", "22333"),
        ("11122", "11223", "22233", "22333", "22333"),
    ),
}


def composite_grade(attributes: Sequence[str], values: Mapping[str, int]) -> int | None:
    """The composite of a symptom that asks these attributes in this order; ``values`` are by attribute.

    The symptom's attributes choose the table, never the answers that happen to be there. A first attribute of
    0 gives 0 whatever follows. An attribute without a value counts 0 when branching hid it (our extension);
    else it was skipped, and there is no composite. Yes/no symptoms have none.
    """
    shape = tuple(attributes)
    answers = _with_hidden(shape, values)
    if answers is None or shape == ("presence",):
        return None
    if answers[0] == 0:
        return 0
    if shape in ONE:
        return int(ONE[shape][answers[0]])
    if shape in TWO:
        return int(TWO[shape][answers[0] - 1][answers[1]])
    if shape in THREE:
        return int(THREE[shape][answers[0] - 1][answers[1]][answers[2]])
    return None


def _with_hidden(attributes: Sequence[str], values: Mapping[str, int]) -> list[int] | None:
    """One answer an attribute: 0 for those that an earlier 0 hid, and None in all when one is missing."""
    answers: list[int] = []
    for attribute in attributes:
        answer = values.get(attribute, 0 if 0 in answers else None)
        if answer is None:
            return None
        answers.append(answer)
    return answers


def is_high_fever(measurements: Mapping[str, float]) -> bool:
    """Whether the temperature is one whose grade rests on how long it has lasted."""
    return measurements.get("temperature_c", 0.0) > HIGH_FEVER


def temperature_grade(celsius: float, *, hours_above_40: float = 0) -> int:
    """Fever: 38.0-39.0 is 1, above to 40.0 is 2, above that 3, and 4 once it has been above for more than 24 hours."""
    if celsius > HIGH_FEVER:
        return 3 if hours_above_40 <= 24 else 4
    return sum((celsius >= 38.0, celsius > 39.0))


def blood_pressure_grade(systolic: float | None, diastolic: float | None) -> int | None:
    """Hypertension, the worse of the two numbers; None when neither was measured."""
    grades = []
    if systolic is not None:
        grades.append(sum(systolic >= bound for bound in (120, 140, 160)))
    if diastolic is not None:
        grades.append(sum(diastolic >= bound for bound in (80, 90, 100)))
    return max(grades, default=None)


def percent_lost(kilograms: float, baseline: float | None) -> float | None:
    """Weight lost since baseline, in percent of it; negative when gained, None without a baseline."""
    if not baseline or baseline <= 0:
        return None
    # Scales show tenths; without rounding 62.0 to 58.9 would be a hair under 5 %.
    return round((baseline - kilograms) / baseline * 100, 6)


def weight_loss_grade(kilograms: float, baseline: float | None) -> int | None:
    """Weight loss: from 5 % is 1, from 10 % is 2, from 20 % is 3; None without a baseline."""
    lost = percent_lost(kilograms, baseline)
    return None if lost is None else sum(lost >= bound for bound in (5, 10, 20))


def stools_over_baseline(measurements: Mapping[str, float], baseline: float | None) -> float | None:
    """How many stools a day more than the patient's own normal: as said, or counted from the baseline report's number.

    None when neither is known. Fewer than normal is none more.
    """
    if "stools_over_baseline" in measurements:
        return measurements["stools_over_baseline"]
    if "stools_per_day" not in measurements or baseline is None:
        return None
    return max(0, measurements["stools_per_day"] - baseline)


def stools_grade(over_baseline: float) -> int:
    """Diarrhea by stools a day over the patient's own normal: from 1 is 1, from 4 is 2, from 7 is 3."""
    return sum(over_baseline >= bound for bound in (1, 4, 7))


def measurement_grades(
    measurements: Mapping[str, float], baseline_weight: float | None, *, hours_above_40: float = 0
) -> dict[str, int]:
    """Provisional CTCAE grade by term code, for the measurements that were taken and have one."""
    grades: dict[str, int | None] = {
        HYPERTENSION: blood_pressure_grade(measurements.get("systolic_mmhg"), measurements.get("diastolic_mmhg"))
    }
    if "temperature_c" in measurements:
        grades[FEVER] = temperature_grade(measurements["temperature_c"], hours_above_40=hours_above_40)
    if "weight_kg" in measurements:
        grades[WEIGHT_LOSS] = weight_loss_grade(measurements["weight_kg"], baseline_weight)
    if "stools_over_baseline" in measurements:
        grades[DIARRHEA] = stools_grade(measurements["stools_over_baseline"])
    return {code: grade for code, grade in grades.items() if grade is not None}
