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
