"""How each question type is put: form -> wordings. The benchmark uses the first; training draws among all.

`{value}` is what a closed question asserts, `{the}`, `{a}` and `{some}` the same with its article, `{be}` its Is or Are;
`{image}` is an image of the modality, `{subject}` what the question is about.
"""

from collections.abc import Mapping
from typing import Literal

Form = Literal["open", "closed", "choice"]
Wordings = Mapping[Form, tuple[str, ...]]

MODALITY: Wordings = {
    "open": (
        "Which imaging modality is this?",
        "What type of image is this?",
        "What kind of image is this?",
        "Which imaging technique was used here?",
        "Name the imaging modality.",
        "Which technique was used to obtain this image?",
    ),
    "closed": (
        "Is the imaging modality {value}?",
        "Is this {image}?",
        "Is {value} the modality of this image?",
        "Was {value} used to obtain this image?",
        "Does this look like {image}?",
        "Would you call this {image}?",
    ),
    "choice": (
        "Which imaging modality is this?",
        "Which of these modalities was used?",
        "What type of image is this?",
        "Choose the modality of this image.",
        "Which of these techniques was used to obtain this image?",
        "What kind of image is this?",
    ),
}
REGION: Wordings = {
    "open": (
        "Which body region is shown?",
        "Which part of the body is this?",
        "Which body region does this image show?",
        "Which part of the body does the image show?",
        "Name the body region in this image.",
        "What part of the body was imaged?",
    ),
    "closed": (
        "Is this an image of {the}?",
        "Is this {the}?",
        "Is {the} the part of the body that is shown?",
        "Was {the} imaged here?",
        "Is this a picture of {the}?",
        "Would you call this an image of {the}?",
    ),
    "choice": (
        "Which body region is shown?",
        "Which part of the body is this?",
        "Which of these regions does the image show?",
        "Choose the body region that is shown.",
        "What part of the body was imaged?",
        "Which of these was imaged?",
    ),
}
PLANE: Wordings = {
    "open": (
        "In which plane is this slice?",
        "Which anatomical plane is shown?",
        "What is the plane of this slice?",
        "In which anatomical plane does this slice lie?",
        "Name the plane of this slice.",
        "In which plane was this slice taken?",
    ),
    "closed": (
        "Is the plane of this slice {value}?",
        "Is this a slice in the {value} plane?",
        "Does this slice lie in the {value} plane?",
        "Is this slice {value}?",
        "Was this slice taken in the {value} plane?",
        "Is {value} the plane of this slice?",
    ),
    "choice": (
        "In which plane is this slice?",
        "Which anatomical plane is shown?",
        "Choose the plane of this slice.",
        "In which of these planes does the slice lie?",
        "What is the plane of this slice?",
        "In which plane was this slice taken?",
    ),
}
CONTRAST: Wordings = {
    "open": (
        "Which contrast does this MRI show?",
        "Which kind of MRI is this?",
        "What is the contrast of this MRI?",
        "Which MRI contrast is this?",
        "Name the contrast of this MRI.",
        "What contrast does this MR image have?",
    ),
    "closed": (
        "Is the contrast of this MRI {value}?",
        "Is {value} the contrast of this MRI?",
        "Is this {a} MRI scan?",
        "Does this look like {a} image?",
        "Is {value} the contrast shown here?",
        "Would you call this {a} image?",
    ),
    "choice": (
        "Which contrast does this MRI show?",
        "What is the contrast of this MRI?",
        "Which of these contrasts does the MRI show?",
        "Choose the contrast of this MRI.",
        "Which kind of MRI is this?",
        "Which of these is the contrast of this MRI?",
    ),
}
MAP: Wordings = {
    "open": (
        "What kind of MRI image is this?",
        "Which type of MRI image is this?",
        "Which MRI image or tissue map is this?",
        "Name the kind of this MRI image.",
        "Which kind of MRI image or tissue map is this?",
        "What type of MRI slice is this?",
    ),
    "closed": (
        "Is this {a}?",
        "Is this slice {a}?",
        "Is this MRI slice {a}?",
        "Would you call this {a}?",
        "Does this look like {a}?",
        "Is {a} shown here?",
    ),
    "choice": (
        "What kind of MRI image is this?",
        "Which type of MRI image is this?",
        "Which of these is shown?",
        "Choose the kind of this MRI image.",
        "Which of these kinds of MRI image is this?",
        "What type of MRI slice is this?",
    ),
}
COLOUR: Wordings = {
    "closed": (
        "Is this image in colour?",
        "Is this picture in colour?",
        "Is this a colour image?",
        "Is the image shown here in colour?",
        "Would you say that this image is in colour?",
        "Is this a picture in colour?",
    )
}
STAIN: Wordings = {
    "open": (
        "Which staining method was used?",
        "How was this tissue stained?",
        "By which method was this tissue stained?",
        "Name the staining method.",
        "Which method was used to stain this tissue?",
        "What is the staining method?",
    ),
    "closed": (
        "Is the staining method {value}?",
        "Was {value} used to stain this tissue?",
        "Is {value} the staining method used here?",
        "Was this tissue stained using {value}?",
        "Would you say that {value} was used on this tissue?",
        "Does this look like {value}?",
    ),
    "choice": (
        "Which staining method was used?",
        "How was this tissue stained?",
        "By which of these methods was this tissue stained?",
        "Choose the staining method.",
        "Which method was used to stain this tissue?",
        "Which of these staining methods is this?",
    ),
}
VIEW: Wordings = {
    "open": (
        "Which view does this X-ray image show?",
        "In which projection was this X-ray image taken?",
        "What is the projection of this X-ray image?",
        "Name the view of this X-ray image.",
        "Which projection is this?",
        "In which view was this X-ray image taken?",
    ),
    "closed": (
        "Is this {a} view?",
        "Was this X-ray image taken in the {value} projection?",
        "Is the view of this X-ray image {value}?",
        "Is {value} the projection of this image?",
        "Does this image show {a} view?",
        "Is the projection of this X-ray image {value}?",
    ),
    "choice": (
        "Which view does this X-ray image show?",
        "In which projection was this X-ray image taken?",
        "Choose the view of this X-ray image.",
        "Which of these projections is this?",
        "What is the projection of this X-ray image?",
        "Which of these views does the image show?",
    ),
}
LEVEL: Wordings = {
    "open": (
        "At which level of {subject} is this slice?",
        "Is this slice from the upper, the middle or the lower part of {subject}?",
        "At what level of {subject} was this slice taken?",
        "Which level of {subject} does this slice show?",
        "Is this an upper, a middle or a lower slice of {subject}?",
        "Is this slice from the lower, the middle or the upper part of {subject}?",
    ),
    "closed": (
        "Is this slice at the {value} level of {subject}?",
        "Does this slice show the {value} part of {subject}?",
        "Is this slice from the {value} part of {subject}?",
        "Does this slice pass through the {value} part of {subject}?",
        "Does the slice lie in the {value} part of {subject}?",
        "Is the {value} part of {subject} shown?",
    ),
    "choice": (
        "At which level of {subject} is this slice?",
        "Which part of {subject} does this slice show?",
        "From which part of {subject} is this slice?",
        "Which part of {subject} is shown here?",
        "In which part of {subject} does the slice lie?",
        "At what level of {subject} was this slice taken?",
    ),
}
SIDE_OF_PAIR: Wordings = {
    "open": (
        "Which {subject} is this, left or right?",
        "Which {subject} is shown, the left or the right one?",
        "Is this the left or the right {subject}?",
        "Left or right: which {subject} is this?",
        "Which of the two is this, the left or the right {subject}?",
        "On which side of the body is this {subject}, left or right?",
    ),
    "closed": (
        "Is this the {value} {subject}?",
        "Does this image show the {value} {subject}?",
        "Is the {subject} in this image the {value} one?",
        "Is the {value} {subject} shown?",
        "Was the {value} {subject} imaged here?",
        "Would you call this the {value} {subject}?",
    ),
    "choice": (
        "Which {subject} is this?",
        "Which {subject} is shown?",
        "On which side of the body is this {subject}?",
        "Choose the side of this {subject}.",
        "Which side is this {subject} from?",
        "Is this the left or the right {subject}?",
    ),
}
"""Of a part of the body that there are two of."""
SIDE_OF_FINDING: Wordings = {
    "open": (
        "On which side of the body is the {subject}, left or right?",
        "On which side is the {subject}, left or right?",
        "Is the {subject} on the left or on the right side of the body?",
        "Left or right: on which side does the {subject} lie?",
        "Which side of the body is the {subject} on, left or right?",
        "On which side of the body do you see the {subject}, left or right?",
    ),
    "closed": (
        "Is the {subject} on the {value} side of the body?",
        "Does the {subject} lie on the {value} side of the body?",
        "Do you see the {subject} on the {value} side of the body?",
        "Is the {subject} on the {value} side?",
        "Is there a {subject} on the {value} side of the body?",
        "Can the {subject} be seen on the {value} side of the body?",
    ),
    "choice": (
        "On which side of the body is the {subject}?",
        "On which side is the {subject}?",
        "Which side of the body is the {subject} on?",
        "Choose the side on which the {subject} lies.",
        "On which side of the body does the {subject} lie?",
        "On which side of the body do you see the {subject}?",
    ),
}
SIDE_OF_BODY: Wordings = {
    "open": (
        "Which side of the body is shown, left or right?",
        "Is the left or the right side of the body shown?",
        "Left or right: which side of the body is this?",
        "Which side of the body does this image show, left or right?",
        "Which side of the body was imaged, left or right?",
        "Was the left or the right side of the body imaged?",
    ),
    "closed": (
        "Is the {value} side of the body shown?",
        "Does this image show the {value} side of the body?",
        "Was the {value} side of the body imaged?",
        "Is this the {value} side of the body?",
        "Is this an image of the {value} side of the body?",
        "Does this image come from the {value} side of the body?",
    ),
    "choice": (
        "Which side of the body is shown?",
        "Which side of the body is this?",
        "Which side of the body does this image show?",
        "Choose the side of the body that is shown.",
        "Which side of the body was imaged?",
        "Which of the two sides of the body is shown?",
    ),
}


def presence(what: str) -> Wordings:
    """Whether one thing, with its article, is there."""
    return {
        "closed": (
            f"Is {what} visible?",
            f"Does this image show {what}?",
            f"Can {what} be seen here?",
            f"Is there {what} in this image?",
            f"Do you see {what} in this image?",
            f"Does {what} appear in this image?",
        )
    }


ORGAN: Wordings = {
    "closed": (
        "{be} {the} visible?",
        "Does this slice show {the}?",
        "Can {the} be seen in this slice?",
        "Do you see {the} in this slice?",
        "Does this slice pass through {the}?",
        "{be} {the} present in this slice?",
    )
}
FINDING: Wordings = {
    "closed": (
        "Does this image show {some}?",
        "Can you see {some} in this image?",
        "{be} {some} visible?",
        "{be} there {some} in this image?",
        "Do you find {some} in this image?",
        "Would you report {some} here?",
    )
}
DOPPLER: Wordings = {
    "closed": (
        "Is Doppler colour shown?",
        "Does this ultrasound image show Doppler colour?",
        "Is this a colour Doppler image?",
        "Was colour Doppler used?",
        "Does this image use colour Doppler?",
        "Is blood flow shown in colour?",
    )
}
RETINOPATHY: Wordings = {
    "closed": (
        "Are there signs of diabetic retinopathy?",
        "Does this eye have diabetic retinopathy?",
        "Does this image show diabetic retinopathy?",
        "Can signs of diabetic retinopathy be seen?",
        "Do you see signs of diabetic retinopathy here?",
        "Is diabetic retinopathy visible in this eye?",
    )
}
