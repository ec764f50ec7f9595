"""How things are asked about in English: frames with a subject `{s}` and, where a name is asked about, `{n}`."""

from __future__ import annotations

PICTURE_SUBJECTS: dict[str, tuple[str, ...]] = {
    "brand": (
        "this", "this brand", "the brand in the picture", "the brand in the photo", "the brand shown here",
        "the brand in the image", "the brand of this logo", "the brand behind the logo in the picture",
    ),
    "character": (
        "this", "this character", "the character in the picture", "the character in the photo",
        "the character shown here", "the figure in the image", "the central figure in this photograph",
        "the character in the image",
    ),
    "building": (
        "this", "this building", "the building in the picture", "the building in the photo",
        "the building shown here", "the building in the image", "the central building in this photograph",
        "the building in this view",
    ),
    "breed": (
        "this", "this breed", "the breed in the picture", "the breed in the photo", "the breed shown here",
        "the breed in the image", "the breed of this dog", "the breed of the dog in the picture",
    ),
    "style": (
        "this", "this style", "the style of the picture", "the style of the photo", "the style shown here",
        "the style of the image", "the style of this painting", "the art style in the picture",
    ),
}  # fmt: skip

TEXT_SUBJECTS = {
    kind: (
        "the {n}" if kind == "breed" else "{n}",
        *(subject.replace("{kind}", kind) for subject in (
            "the {kind} called {n}", "the {kind} named {n}", "the {kind} known as {n}", "the {kind} of the name {n}",
        )),
    )
    for kind in PICTURE_SUBJECTS
}  # fmt: skip

OPENINGS = ("", "Look closely. ", "Here is a question. ", "Hello! ")
OPENINGS_OF_SINGLES = (*OPENINGS, "Look at the picture. ")

NOUN = {"brand": "logo", "character": "character", "building": "building", "breed": "dog", "style": "painting"}
"""What is seen of each kind, which questions about what can be seen ask about."""
SEEN_SUBJECTS = (
    "this", "this {noun}", "the {noun} in the picture", "the {noun} in the photo", "the {noun} shown here",
    "the {noun} in the image", "the {noun} of this picture", "the {noun} we see",
)  # fmt: skip

_PRODUCT_FRAMES: dict[str, tuple[str, ...]] = {
    "brand": (
        "What does {s} make?", "Which product does {s} make?", "What is the product of {s}?", "What does {s} sell?",
        "Tell me the product of {s}.",
    ),
    "character": (
        "What does {s} appear in?", "In what does {s} appear?", "What is {s} known from?", "What can {s} be seen in?",
        "Tell me what {s} appears in.",
    ),
    "building": (
        "What is {s} used as?", "As what is {s} used?", "What is the use of {s}?", "What purpose does {s} have?",
        "Tell me the use of {s}.",
    ),
    "breed": (
        "What is {s} kept for?", "For what is {s} kept?", "What is the use of {s}?", "What work is {s} kept for?",
        "Tell me the work of {s}.",
    ),
    "style": (
        "What is {s} used for?", "For what is {s} used?", "What is the use of {s}?", "What work is {s} used for?",
        "Tell me the use of {s}.",
    ),
}  # fmt: skip

MAKER = {
    "brand": ("founder", "founded"), "character": ("creator", "created"), "building": ("architect", "designed"),
    "breed": ("breeder", "bred"), "style": ("painter", "started"),
}  # fmt: skip
"""What the maker of each kind is called, and what the maker did."""

BEGUN = {
    "brand": "founded", "character": "first drawn", "building": "built", "breed": "first bred", "style": "started",
}  # fmt: skip

_RECOGNITION = (
    "What is {s}?", "What is the name of {s}?", "What's the name of {s}?", "Can you tell me what {s} is?",
    "Please name {s}.", "Tell me the name of {s}.", "Do you know what {s} is?", "Do you recognise {s}?",
    "Identify {s}.", "I would like to know what {s} is.", "Which name belongs to {s}?", "Give the name of {s}.",
)  # fmt: skip

_PLACE_FRAMES = (
    "What is on the {p}?", "What is the thing on the {p}?", "What is the name of what is on the {p}?",
    "Name what is on the {p}.", "Tell me what is on the {p}.", "Can you tell what is on the {p}?",
    "Which name belongs to what is on the {p}?", "Do you know what is on the {p}?",
)  # fmt: skip

FRAMES_OF_TWO: dict[str, tuple[str, ...]] = {
    "left": tuple(frame.replace("{p}", "left") for frame in _PLACE_FRAMES),
    "right": tuple(frame.replace("{p}", "right") for frame in _PLACE_FRAMES),
    "both": (
        "What are the two things?", "What are these two?", "Name the two things.", "Tell me what these two are.",
        "What are the names of the two things?", "What are the names of these two?", "Name these two.",
        "Can you tell what these two are?",
    ),
}  # fmt: skip


_FRAMES: dict[str, tuple[str, ...]] = {
    "verification": (
        "Is {s} {n}?", "Is the name of {s} {n}?", "Would you say that {s} is {n}?", "Is it true that {s} is {n}?",
        "Am I right that {s} is {n}?", "Can you confirm that {s} is {n}?", "Do you recognise {s} as {n}?",
        "Is {n} the name of {s}?",
    ),
    "likeness": (
        "Does {s} look like {n}?", "Do {s} and {n} look the same?", "Does {n} look like {s}?",
        "Would you say that {s} looks like {n}?", "Do you think that {s} looks like {n}?",
    ),
    "maker": (
        "Who {made} {s}?", "Who is the {maker} of {s}?", "Tell me who {made} {s}.", "Which {maker} is behind {s}?",
        "Name the {maker} of {s}.",
    ),
    "city": (
        "Which city is {s} {from}?", "What city is {s} {from}?", "What is the city of {s}?",
        "Tell me the city that {s} is {from}.", "Name the city of {s}.",
    ),
    "year": (
        "When was {s} {begun}?", "In which year was {s} {begun}?", "What year was {s} {begun} in?",
        "Tell me the year in which {s} was {begun}.", "Which year was {s} {begun} in?",
    ),
    "country": (
        "Which country is {s} {from}?", "What country is {s} {from}?", "What is the country of {s}?",
        "Tell me the country that {s} is {from}.", "Name the country of {s}.",
    ),
    "century": (
        "In which century was {s} {begun}?", "Which century was {s} {begun} in?", "What is the century of {s}?",
        "Tell me the century in which {s} was {begun}.", "In what century was {s} {begun}?",
    ),
    "biography": (
        "Tell me about {s}.", "What do you know about {s}?", "Please describe the history of {s}.",
        "Give some facts about {s}.", "What is {s}?",
    ),
    "background": (
        "What colour is the background behind {s}?", "Which colour is behind {s}?",
        "What is the background colour behind {s}?", "Tell me the colour of the background behind {s}.",
    ),
    "colour": (
        "What colour is {s}?", "Which colour does {s} have?", "What is the main colour of {s}?",
        "Tell me the main colour of {s}.",
    ),
    "place": (
        "Where can {s} be seen?", "Where is {s} shown?", "In what place can {s} be seen?",
        "Tell me where {s} can be seen.",
    ),
    "detail": (
        "What {detail} does {s} have?", "Which {detail} does {s} have?", "What can you say of the {detail} of {s}?",
        "Tell me the {detail} of {s}.",
    ),
    "subject": (
        "What is painted in {s}?", "What does {s} show?", "What is the subject of {s}?",
        "Tell me what is painted in {s}.",
    ),
    "caption": (
        "Describe {s}.", "Please describe {s}.", "Write a short caption about {s}.", "What can you see of {s}?",
        "Give a caption about {s}.", "How would you describe {s}?",
    ),
    "repeat": ("Repeat the name {n}.", "Say the name {n}.", "Write the name {n}.", "Please say {n}."),
}  # fmt: skip


def frames(question: str, kind: str, detail: str) -> tuple[str, ...]:
    """The frames of a question ("recognition", "city", ...) about things of a kind, whose `detail` can be seen."""
    if question in FRAMES_OF_TWO:
        return FRAMES_OF_TWO[question]
    if question == "recognition" and kind == "character":
        return tuple(f.replace("hat is {s}", "ho is {s}").replace("what {s}", "who {s}") for f in _RECOGNITION)
    if question == "recognition":
        return _RECOGNITION
    if question == "product":
        return _PRODUCT_FRAMES[kind]
    maker, made = MAKER[kind]
    words = {"{maker}": maker, "{made}": made, "{begun}": BEGUN[kind], "{detail}": detail}
    words["{from}"] = "in" if kind == "building" else "from"
    return tuple(_filled(frame, words) for frame in _FRAMES[question])


def _filled(frame: str, words: dict[str, str]) -> str:
    for mark, word in words.items():
        frame = frame.replace(mark, word)
    return frame
