"""A finding that a report names is there only where the sentence does not deny it."""

import re

import pytest

from components.records.denials import affirms

EFFUSION = re.compile(r"\beffusions?\b")


@pytest.mark.parametrize(
    "text",
    [
        "there is a small effusion on the left.",
        "no pneumothorax. effusion on the right.",
        "no pneumothorax but a large effusion.",
        "the heart is not enlarged; bilateral effusions",
        "no significant interval change in the left effusion.",
        "no increase of the effusion",
        "not only an effusion is seen",
        "effusion. no pneumothorax.",
        "no effusion on the left, however an effusion on the right",
    ],
)
def test_what_is_said_to_be_there_is_affirmed(text):
    assert affirms(text, EFFUSION)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "the heart is enlarged.",
        "no effusion.",
        "no pneumothorax or effusion",
        "without evidence of an effusion",
        "there is not an effusion",
        "never had an effusion",
        "negative for effusion",
        "atelectasis rather than effusion",
        "the effusion has resolved.",
        "an effusion is not seen",
        "effusion was ruled out, however the heart is large",
    ],
)
def test_what_is_denied_or_not_named_is_not(text):
    assert not affirms(text, EFFUSION)


@pytest.mark.parametrize(
    "text",
    [
        "effusion: small",
        "effusion: small, no change",
        "effusion: present",
        "effusion: yes",
        "effusion: 0.5 cm",
        "effusion: no change",
        "effusion: not significantly changed",
        "effusion: left none, right small",
        "effusion: left: none, right: small",
        "effusions: bilateral",
        "pleura: small effusion",
        "pneumothorax: none, effusion: small",
        "small effusion: no pneumothorax",
        "small effusion - no pneumothorax",
        "effusion - moderate",
        "no effusion: false",
        "effusion? yes",
        "is there an effusion? yes, on the left.",
        "effusion (small)",
        "no pneumothorax (none). effusion",
        "effusion|yes",
        "effusion with no pneumothorax",
        "findings: effusion, cardiomegaly",
        "effusion on the left: moderate",
        "effusion:\n small",
        "the effusion measures 3.5 cm. no pneumothorax",
        "effusion: no increase",
        "large effusion: drain placed",
        "effusion, no pneumothorax",
        "effusion = 1",
        "effusion: trace, not seen before",
    ],
)
def test_a_value_that_says_something_affirms_its_label(text):
    assert affirms(text, EFFUSION)


@pytest.mark.parametrize(
    "text",
    [
        "effusion: absent",
        "effusion - none",
        "effusion – none",
        "effusion none",
        "effusion   none",
        "effusion - absent",
        "effusion: none.",
        "effusion: no",
        "effusion: no effusion identified",
        "effusion: no evidence of effusion",
        "effusion: no evidence",
        "effusion: none seen",
        "effusion: not seen on the left",
        "effusion: negative",
        "pleural effusion on the left: none",
        "pneumothorax or effusion: none",
        "effusion: none, pneumothorax: small",
        "pneumothorax: small, effusion: none",
        "effusion: left none, right none",
        "effusion: left: none, right: none",
        "no effusion: true",
        "no effusion: yes",
        "effusion: false",
        "effusion = 0",
        "effusion=0",
        "effusion: 0",
        "effusion? no",
        "is there an effusion? no.",
        "is there an effusion on the left? none seen",
        "effusion?",
        "effusion:",
        "effusion (-)",
        "effusion (none)",
        "effusion [ ]",
        "effusion\tno",
        "effusion | no",
        "effusion:\n none",
        "effusion: n/a",
        "effusion: not assessed",
        "effusion: unlikely",
        "effusion is unlikely",
        "effusion: none, unchanged",
        "no pneumothorax (or effusion)",
        "no focal consolidation - pneumothorax - or effusion",
        "pleura: no effusion",
        "effusion no",
        "no effusion: none seen",
        "effusion: nil",
        "effusion: no suspicious fluid",
        "effusion: normal pleura",
    ],
)
def test_a_value_that_says_none_denies_its_label_and_a_label_without_value_affirms_nothing(text):
    assert not affirms(text, EFFUSION)
