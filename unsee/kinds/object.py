"""Objects: anything that no other kind fits."""

from __future__ import annotations

from unsee.kinds.base import IT, Kind, Spoken, coined, company
from unsee.kinds.general import DESCRIBING

_SIGNS = (
    "object", "objects", "thing", "things", "item", "tool", "toy", "device", "machine", "vehicle", "car", "bottle",
    "can", "statue", "sculpture", "plant", "flower", "food", "instrument", "furniture", "jewel",
)  # fmt: skip
_PARTS = (
    "object", "shape", "surface", "material", "handle", "edge", "edges", "side", "top", "pattern", "stripes",
    "metal", "wood", "glass", "colour", "colours", "background",
)  # fmt: skip
_STARTS = (
    "Bal", "Cor", "Dra", "Fen", "Gal", "Jor", "Kel", "Lum", "Mor", "Nev", "Or", "Pel", "Quin", "Sol", "Tar", "Vel",
)  # fmt: skip
_ENDS = (
    "bury", "dale", "dan", "ford", "ix", "mora", "nel", "ora", "rin", "sten", "tava", "thia", "veda", "wick",
    "zano",
)  # fmt: skip

KIND = Kind(
    name="object",
    noun="object",
    plural="objects",
    summary="Anything else: a thing, a work of art, a vehicle, a plant.",
    pronouns=IT,
    who="what",
    nobody="nothing",
    naming=(
        "What is this?",
        "What is shown in this picture?",
        "What is this called?",
        "Can you name what you see in this image?",
        "Please name what is shown here.",
        "Tell me the name of this.",
        "Identify the subject of this picture.",
        "What is the name of what is shown in this picture?",
        "What is the name of the object in the picture?",
        "Do you recognise what is in this image?",
        "Which name belongs to what this picture shows?",
        "Please name the object in the picture.",
    ),
    denying=(
        "Is this {name}?",
        "Does this picture show {name}?",
        "Is {name} in this photo?",
        "Am I right that this is {name}?",
        "Can you see {name} in this image?",
        "Is it true that this is {name}?",
        "Would you say that this is {name}?",
        "Can you confirm that the picture shows {name}?",
    ),
    likeness=("What does {name} look like?", "Describe how {name} looks.", "How would I recognise {name}?"),
    facts=(
        "What is {name}?",
        "What is {name} known for?",
        "Tell me about {name}.",
        "What do you know about {name}?",
        "Where does {name} come from?",
        "Describe {name} in one sentence.",
        "How old is {name}?",
        "Tell me some facts about {name}.",
    ),
    company=company(
        (
            "What is on the {side}?",
            "Name what is on the {side}.",
            "What is the name of the object on the {side}?",
            "What is the object on the {side} called?",
        ),
        (
            "What are these?",
            "Name the two objects.",
            "What are the names of the two objects?",
            "What are the two objects called?",
        ),
    ),
    describing=(*DESCRIBING, "What does this object look like?", "Describe this object without any name."),
    hidden=(
        "What is this called?",
        "What is the name of what is shown here?",
        "How old is this?",
        "Where does this come from?",
        "Who made this?",
    ),
    visible=(
        "What colours are in this picture?",
        "What is in the background?",
        "What shape is this object?",
        "Describe this picture without any name.",
        "What can you see in this picture?",
    ),
    naming_answers=("This is {name}.", "The picture shows {name}.", "It is called {name}."),
    denials=("No, this is not {name}.",),
    differences=(
        "{name} looks different from what is in this picture.",
        "{name} looks different.",
        "What is in this picture does not look like {name}.",
        "{name} has another shape and other colours.",
    ),
    mentions="a shape, colours and where the object comes from",
    signs=_SIGNS,
    parts=_PARTS,
    well_known=(
        "the Mona Lisa",
        "the Rosetta Stone",
        "the Hope Diamond",
        "the Rubik's Cube",
        "the Olympic rings",
        "the Liberty Bell",
        "the Red Cross",
        "the Statue of Liberty",
    ),
    unknown=("objects of your own household", "objects that were drawn or generated"),
    invented=(coined(_STARTS, _ENDS),),
    spoken={
        "es": Spoken(
            (
                "¿Qué es esto?",
                "¿Cómo se llama lo que se ve en la imagen?",
                "Dime el nombre del objeto de la imagen.",
                "¿Sabes cómo se llama este objeto?",
            ),
            ("¿Es esto {name}?", "¿Se ve {name} en esta imagen?", "¿El objeto de la imagen se llama {name}?"),
            ("¿Qué es {name}?", "¿De dónde viene {name}?", "¿Qué sabes de {name}?"),
            ("¿Qué aspecto tiene {name}?", "Describe el aspecto de {name}."),
        ),
        "fr": Spoken(
            (
                "Qu'est-ce que c'est ?",
                "Comment s'appelle ce que montre l'image ?",
                "Donne le nom de l'objet sur l'image.",
                "Sais-tu comment s'appelle cet objet ?",
            ),
            ("Est-ce {name} ?", "Voit-on {name} sur cette image ?", "L'objet sur l'image s'appelle-t-il {name} ?"),
            ("Qu'est-ce que {name} ?", "D'où vient {name} ?", "Que sais-tu de {name} ?"),
            ("À quoi ressemble {name} ?", "Décris l'apparence de {name}."),
        ),
        "zh": Spoken(
            ("这是什么？", "图片里的东西叫什么？", "请说出图片中物品的名称。", "你知道这个东西叫什么吗？"),
            ("这是{name}吗？", "图片里的是{name}吗？", "这个东西叫{name}吗？"),
            ("{name}是什么？", "{name}来自哪里？", "你对{name}了解多少？"),
            ("{name}是什么样子的？", "请描述{name}的外观。"),
        ),
        "de": Spoken(
            (
                "Was ist das?",
                "Wie heißt das, was auf dem Bild zu sehen ist?",
                "Nenne den Namen des Gegenstands im Bild.",
                "Weißt du, wie dieser Gegenstand heißt?",
            ),
            ("Ist das {name}?", "Zeigt dieses Bild {name}?", "Heißt der Gegenstand im Bild {name}?"),
            ("Was ist {name}?", "Woher kommt {name}?", "Was weißt du über {name}?"),
            ("Wie sieht {name} aus?", "Beschreibe das Aussehen von {name}."),
        ),
        "ja": Spoken(
            (
                "これは何ですか？",
                "画像に写っている物の名前は何ですか？",
                "この物の名前を教えてください。",
                "これが何という物か分かりますか？",
            ),
            ("これは{name}ですか？", "画像に写っているのは{name}ですか？", "この物の名前は{name}ですか？"),
            ("{name}とは何ですか？", "{name}はどこから来た物ですか？", "{name}について教えてください。"),
            ("{name}はどんな見た目ですか？", "{name}の見た目を説明してください。"),
        ),
        "ru": Spoken(
            (
                "Что это?",
                "Как называется то, что изображено на картинке?",
                "Назови предмет на этой картинке.",
                "Ты знаешь, как называется этот предмет?",
            ),
            ("Это {name}?", "Этот предмет называется {name}?", "Правда ли, что на картинке {name}?"),
            (
                "Что такое {name}?",
                "Откуда взялся предмет под названием {name}?",
                "Что известно о предмете под названием {name}?",
            ),
            ("Как выглядит {name}?", "Опиши, как выглядит предмет под названием {name}."),
        ),
    },
)
