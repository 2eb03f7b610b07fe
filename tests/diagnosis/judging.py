"""An expert's opinion beside what the service says."""

import numpy as np

from service.describe.network import Language, OwnWeightsRequest
from service.describe.url import parameters, request_of
from service.diagnosis.experiments import diagnose_own
from service.diagnosis.report import Report
from tests.diagnosis.reports import codes, diagnosed
from tests.diagnosis.situations import HEALTHY, Situation

SEED = 1


def report_of(situation: Situation) -> Report:
    """Return what the service says."""
    if situation.own is None:
        return diagnosed(situation.query, SEED)
    asked = request_of(OwnWeightsRequest, parameters(situation.query))
    return diagnose_own(asked, SEED, situation.own(np.random.default_rng(SEED)))


def differences(situation: Situation, report: Report) -> list[str]:
    """Return where the service and the expert differ; empty where they agree."""
    found = codes(report)
    everywhere = set().union(*found)
    overall = report.verdict.advice.sentence(Language.EN).lower()
    every = [verdict.advice.sentence(Language.EN).lower() for layer in report.layers for verdict in layer.verdicts]
    wrong = []
    if situation.worst not in ("", report.verdict.code):
        wrong.append(f"the worst is {report.verdict.code}, not {situation.worst}")
    if situation.worst == HEALTHY and everywhere != {HEALTHY}:
        wrong.append(f"{sorted(everywhere)} is found")
    for code, numbers in situation.found.items():
        wrong += [f"{code} is not found in layer {number}" for number in numbers if code not in found[number]]
        if code not in everywhere:
            wrong.append(f"{code} is not found")
    wrong += [f"{code} is found" for code in situation.absent if code in everywhere]
    if situation.advised and not any(word in overall for word in situation.advised):
        wrong.append(f"the advice is: {overall}")
    wrong += [f"{word!r} is advised" for word in situation.avoided if any(word in advice for advice in every)]
    return wrong
