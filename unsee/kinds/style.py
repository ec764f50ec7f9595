"""Styles of painting and drawing."""

from __future__ import annotations

from unsee.kinds.base import IT, Kind, Spoken, coined, company
from unsee.kinds.general import DESCRIBING

_SIGNS = (
    "style", "styles", "painting", "paintings", "painted", "painter", "artwork", "art movement", "movement",
    "genre", "impressionist", "abstract", "brushstrokes", "canvas",
)  # fmt: skip
_PARTS = (
    "palette", "colours", "colour", "brush strokes", "brushstrokes", "brushwork", "strokes", "lines", "outlines",
    "dots", "shapes", "texture", "pattern", "light", "shadows", "background",
)  # fmt: skip
_STARTS = (
    "Bal", "Cor", "Dra", "Fen", "Gal", "Jor", "Kel", "Lum", "Mor", "Nev", "Pel", "Quin", "Tar", "Vel",
)  # fmt: skip
_ENDS = (
    "darism", "denism", "lorism", "mirism", "navism", "rondism", "tavism", "torism", "vanism", "zelism",
)  # fmt: skip

KIND = Kind(
    name="style",
    noun="style",
    plural="styles",
    summary="A style of painting, drawing or design.",
    pronouns=IT,
    who="what",
    nobody="nothing",
    naming=(
        "Which style is this?",
        "What is this style called?",
        "What is the name of the style of this picture?",
        "In which style is this picture painted?",
        "Can you tell me which style this is?",
        "Please name the style of this picture.",
        "Tell me the name of this style.",
        "Do you know the style of this image?",
        "I would like to know which style this is.",
        "Identify the style of the picture.",
        "Which style does this picture belong to?",
        "Do you recognise the style of this painting?",
    ),
    denying=(
        "Is this {name}?",
        "Is the style of this picture {name}?",
        "Is this picture an example of {name}?",
        "Am I right that this is {name}?",
        "Can you confirm that the style of this picture is {name}?",
        "Is it true that this style is {name}?",
        "Is the style of this image called {name}?",
        "Would you say that this is {name}?",
        "Does this picture show the style {name}?",
        "Do you recognise this style as {name}?",
    ),
    likeness=(
        "What does {name} look like?",
        "Describe what pictures in the style {name} look like.",
        "How would I recognise {name}?",
    ),
    facts=(
        "What is {name}?",
        "Where does {name} come from?",
        "When did {name} begin?",
        "Which painters are known for {name}?",
        "What do you know about {name}?",
        "Which country does the style {name} come from?",
        "What is {name} known for?",
        "Tell me about {name}.",
        "What do pictures of {name} show most often?",
        "Tell me some facts about {name}.",
    ),
    company=company(
        (
            "Which style is on the {side}?",
            "Name the style on the {side}.",
            "What is the name of the style on the {side}?",
            "In which style is the picture on the {side} painted?",
        ),
        (
            "Which styles are these?",
            "Name the two styles.",
            "What are the names of the two styles?",
            "In which styles are the two pictures painted?",
        ),
    ),
    describing=(*DESCRIBING, "What does this painting look like?", "Describe this picture without naming its style."),
    hidden=(
        "Which style is this?",
        "What is the name of this style?",
        "When did this style begin?",
        "Which country does this style come from?",
        "Which painters are known for this style?",
        "Who invented this style?",
    ),
    visible=(
        "Which colours does this picture have?",
        "What do the brush strokes look like?",
        "Are the outlines in this picture thick or thin?",
        "What is in the background?",
        "Describe this picture without any name.",
        "What can you see in this picture?",
    ),
    naming_answers=("This is {name}.", "The style of this picture is {name}.", "This style is called {name}."),
    denials=("No, this is not {name}.", "No, the style of this picture is not {name}."),
    differences=(
        "{name} looks different from this picture.",
        "{name} looks different.",
        "This picture does not look like {name}.",
        "{name} has another palette and other brushwork.",
    ),
    mentions="a palette, brushwork and the painters of the style",
    signs=_SIGNS,
    parts=_PARTS,
    well_known=("Impressionism", "Cubism", "Pop Art", "Art Deco", "Surrealism", "Baroque", "Pointillism", "Ukiyo-e"),
    unknown=("drawings of your own", "pictures that were painted or generated in no known style"),
    invented=(coined(_STARTS, _ENDS),),
    spoken={
        "es": Spoken(
            (
                "¿Qué estilo es este?",
                "¿Cómo se llama este estilo?",
                "Dime el nombre del estilo de esta imagen.",
                "¿Sabes en qué estilo está pintada esta imagen?",
            ),
            ("¿Es este el estilo {name}?", "¿El estilo de la imagen es {name}?", "¿Este estilo se llama {name}?"),
            ("¿Qué es el estilo {name}?", "¿De dónde viene el estilo {name}?", "¿Cuándo surgió el estilo {name}?"),
            ("¿Qué aspecto tiene el estilo {name}?", "Describe los colores y los trazos del estilo {name}."),
        ),
        "fr": Spoken(
            (
                "Quel est ce style ?",
                "Comment s'appelle ce style ?",
                "Donne le nom du style de cette image.",
                "Sais-tu dans quel style cette image est peinte ?",
            ),
            (
                "Est-ce le style {name} ?",
                "Le style de cette image est-il {name} ?",
                "Ce style s'appelle-t-il {name} ?",
            ),
            (
                "Qu'est-ce que le style {name} ?",
                "D'où vient le style {name} ?",
                "Quand le style {name} est-il apparu ?",
            ),
            ("À quoi ressemble le style {name} ?", "Décris les couleurs et les traits du style {name}."),
        ),
        "zh": Spoken(
            ("这是什么风格？", "这种风格叫什么？", "请说出这幅画的风格名称。", "你知道这幅画是什么风格吗？"),
            ("这是{name}吗？", "这幅画的风格是{name}吗？", "这种风格叫{name}吗？"),
            ("{name}是什么风格？", "{name}起源于哪里？", "{name}是什么时候出现的？"),
            ("{name}是什么样子的？", "请描述{name}的色彩和笔触。"),
        ),
        "de": Spoken(
            (
                "Welcher Stil ist das?",
                "Wie heißt dieser Stil?",
                "Nenne den Namen des Stils dieses Bildes.",
                "Weißt du, in welchem Stil dieses Bild gemalt ist?",
            ),
            ("Ist das der Stil {name}?", "Ist der Stil dieses Bildes {name}?", "Heißt dieser Stil {name}?"),
            ("Was ist der Stil {name}?", "Woher kommt der Stil {name}?", "Wann entstand der Stil {name}?"),
            ("Wie sieht der Stil {name} aus?", "Beschreibe Farben und Pinselstriche des Stils {name}."),
        ),
        "ja": Spoken(
            (
                "これは何という画風ですか？",
                "この画風の名前は何ですか？",
                "この絵の画風の名前を教えてください。",
                "この絵がどの画風で描かれているか分かりますか？",
            ),
            ("これは{name}ですか？", "この絵の画風は{name}ですか？", "この画風の名前は{name}ですか？"),
            ("{name}とはどんな画風ですか？", "{name}はどこで生まれましたか？", "{name}はいつ始まりましたか？"),
            ("{name}はどんな見た目ですか？", "{name}の色使いと筆づかいを説明してください。"),
        ),
        "ru": Spoken(
            (
                "Какой это стиль?",
                "Как называется этот стиль?",
                "Назови стиль этой картины.",
                "Ты знаешь, в каком стиле написана эта картина?",
            ),
            ("Это стиль {name}?", "Этот стиль называется {name}?", "Правда ли, что эта картина в стиле {name}?"),
            ("Что такое стиль {name}?", "Откуда происходит стиль {name}?", "Когда появился стиль {name}?"),
            ("Как выглядит стиль {name}?", "Опиши цвета и мазки стиля {name}."),
        ),
    },
)
