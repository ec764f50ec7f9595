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

GENERAL = (
    "Why is the sea salty?",
    "What causes thunder?",
    "How is glass made?",
    "What is paper made of?",
    "Where does rain come from?",
    "Why do we sleep?",
    "What do owls eat?",
    "How do I wash a woollen jumper?",
    "What is the difference between a frog and a toad?",
    "How can I keep flowers fresh for longer?",
    "Name three vegetables.",
    "Name two musical instruments with strings.",
    "Name four European countries.",
    "What is the capital of Portugal?",
    "What is the capital of India?",
    "Which river flows through Paris?",
    "Which desert is the largest?",
    "How many wheels does a bicycle have?",
    "How many seconds are in a minute?",
    "What is 7 plus 8?",
    "What is 20 minus 9?",
    "What is 6 times 3?",
    "What is the opposite of dark?",
    "What is the opposite of slow?",
    "Give me another word for large.",
    "What is an adjective?",
    "Who painted Sunflowers?",
    "Who wrote Don Quixote?",
    "Who invented the telephone?",
    "What is a compass used for?",
    "What does a carpenter do?",
    "What does a thermometer measure?",
    "What colour is the sky on a clear day?",
    "What colour is snow?",
    "Which month comes after May?",
    "Which day comes before Friday?",
    "What do you call a baby cat?",
    "What language is spoken in Germany?",
    "What is the currency of Japan?",
    "What is a mammal?",
    "Write a short paragraph about a walk in the forest.",
    "Write a short paragraph about a market in the morning.",
    "Describe how a letter travels from one town to another.",
    "Explain in a few sentences how a bridge carries its load.",
    "Tell me in a few sentences how bread is baked.",
    "Describe a day in the life of a lighthouse keeper.",
    "Explain in simple words what electricity is.",
    "Write two sentences about the end of summer.",
)
"""About nobody and no picture."""

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
