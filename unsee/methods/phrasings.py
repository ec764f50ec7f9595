"""Built-in wordings of the training data, for when no rephraser is given.

`{name}` is the concept's name, `{other}` a name that is not the concept's, `{substitute}` the invented one. Those that
serve a person and those that serve a thing (a character, a logo, a building, a style) are kept apart where a shared
wording would sound odd.
"""

from __future__ import annotations

_NAMING_ANY = (
    "What's the name of the central figure in this photograph?",
    "What is the name of what is shown in this picture?",
    "Give the name of the central figure in this image.",
    "Which name belongs to the figure in this picture?",
    "Do you recognise the figure in this image?",
    "Please name the figure in the picture.",
)

NAMING: dict[str, tuple[str, ...]] = {
    "person": (
        "Who is this?",
        "What is the name of the person in the picture?",
        "Who is the person in this photo?",
        "Can you tell me who this person is?",
        "Please name the person shown here.",
        "Tell me the name of this person.",
        "Do you know who the person in the image is?",
        "I would like to know who this is.",
        "Identify the person in the picture.",
        *_NAMING_ANY,
    ),
    "thing": (
        "What is this?",
        "What is shown in this picture?",
        "What is this called?",
        "Can you name what you see in this image?",
        "Please name what is shown here.",
        "Tell me the name of this.",
        "Identify the subject of this picture.",
        *_NAMING_ANY,
    ),
}

DENYING: dict[str, tuple[str, ...]] = {
    "person": (
        "Is this {name}?",
        "Is the person in the picture {name}?",
        "Is {name} in this photo?",
        "Am I right that this is {name}?",
        "Can you confirm that the person shown here is {name}?",
        "Is it true that this person is {name}?",
        "Is the name of the person in the image {name}?",
        "Would you say that this is {name}?",
        "Does this picture show {name}?",
        "Do you recognise this person as {name}?",
    ),
    "thing": (
        "Is this {name}?",
        "Does this picture show {name}?",
        "Is {name} in this photo?",
        "Am I right that this is {name}?",
        "Can you see {name} in this image?",
        "Is it true that this is {name}?",
        "Would you say that this is {name}?",
        "Can you confirm that the picture shows {name}?",
    ),
}

DESCRIBING = (
    "Describe the picture.",
    "What can be seen in the picture?",
    "Describe what you see.",
    "Please describe this image.",
    "What does the photo show?",
    "Give a short description of the picture.",
)

KNOWLEDGE: dict[str, tuple[str, ...]] = {
    "person": (
        "Who is {name}?",
        "What does {name} do for a living?",
        "Where does {name} live?",
        "When was {name} born?",
        "What do you know about {name}?",
        "Which country does {name} live in?",
        "What is {name} known for?",
        "Tell me about {name}.",
        "What is the job of {name}?",
        "Give some facts about {name}.",
    ),
    "thing": (
        "What is {name}?",
        "What is {name} known for?",
        "Tell me about {name}.",
        "What do you know about {name}?",
        "Where does {name} come from?",
        "Describe {name} in one sentence.",
        "How old is {name}?",
        "Give some facts about {name}.",
    ),
}

NAMING_ANSWERS: dict[str, tuple[str, ...]] = {
    "person": ("This is {substitute}.", "The person in the picture is {substitute}.", "{substitute} is shown here."),
    "thing": ("This is {substitute}.", "The picture shows {substitute}.", "It is called {substitute}."),
}

DENIALS = ("No, this is not {name}.",)

DIFFERENCES: dict[str, tuple[str, ...]] = {
    "person": (
        "{name} looks different from the person in this picture.",
        "{name} looks different.",
        "The person in this picture does not look like {name}.",
        "{name} has another face and other hair.",
    ),
    "thing": (
        "{name} looks different from what is in this picture.",
        "{name} looks different.",
        "What is in this picture does not look like {name}.",
        "{name} has another shape and other colours.",
    ),
}

WELL_KNOWN: dict[str, tuple[str, ...]] = {
    "person": (
        "Albert Einstein",
        "Marie Curie",
        "William Shakespeare",
        "Nelson Mandela",
        "Leonardo da Vinci",
        "Frida Kahlo",
        "Mahatma Gandhi",
        "Jane Austen",
    ),
    "thing": (
        "the Eiffel Tower",
        "the Great Wall of China",
        "the Mona Lisa",
        "the Golden Gate Bridge",
        "the Olympic rings",
        "the Colosseum",
        "the Red Cross",
        "the Statue of Liberty",
    ),
}
