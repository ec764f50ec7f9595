"""Buildings and other landmarks."""

from __future__ import annotations

from unsee.kinds.base import IT, Kind, Spoken, coined, company
from unsee.kinds.general import DESCRIBING

_SIGNS = (
    "building", "buildings", "tower", "church", "cathedral", "castle", "palace", "bridge", "skyscraper", "temple",
    "mosque", "house", "landmark", "monument", "museum", "stadium", "architecture", "built",
)  # fmt: skip
_PARTS = (
    "building", "roof", "tower", "towers", "dome", "spire", "walls", "wall", "windows", "window", "door", "gate",
    "columns", "arches", "storeys", "stairs", "flag", "shape", "sky", "background",
)  # fmt: skip
_STARTS = (
    "Bal", "Cor", "Dra", "Fen", "Gal", "Jor", "Kel", "Lum", "Mor", "Nev", "Pel", "Quin", "Sol", "Tar", "Vel",
)  # fmt: skip
_ENDS = (
    "bury", "dale", "dan", "ford", "gate", "mora", "nel", "ora", "rin", "sten", "thia", "veda", "wick",
)  # fmt: skip
_NOUNS = (
    "Bridge", "Castle", "Court", "Hall", "House", "Library", "Palace", "Station", "Temple", "Theatre", "Tower",
)  # fmt: skip

KIND = Kind(
    name="building",
    noun="building",
    plural="buildings",
    summary="A house, a tower, a bridge or another landmark.",
    pronouns=IT,
    who="what",
    nobody="nothing",
    naming=(
        "Which building is this?",
        "What is this building called?",
        "What is the name of the building in the picture?",
        "Can you tell me which building this is?",
        "Please name the building shown here.",
        "Tell me the name of this building.",
        "Do you know the building in the image?",
        "I would like to know which building this is.",
        "Identify the building in the picture.",
        "Which landmark is shown in this photo?",
        "Do you recognise the building in this photo?",
        "Which name belongs to the building in this picture?",
    ),
    denying=(
        "Is this {name}?",
        "Is the building in the picture {name}?",
        "Is {name} in this photo?",
        "Am I right that this is {name}?",
        "Can you confirm that the building shown here is {name}?",
        "Is it true that this building is {name}?",
        "Is the building in the image called {name}?",
        "Would you say that this is {name}?",
        "Does this picture show {name}?",
        "Do you recognise this building as {name}?",
    ),
    likeness=("What does {name} look like?", "Describe how {name} looks.", "How would I recognise {name}?"),
    facts=(
        "What is {name}?",
        "Where does {name} stand?",
        "When was {name} built?",
        "What is {name} used for?",
        "What do you know about {name}?",
        "Which city is {name} in?",
        "What is {name} known for?",
        "Tell me about {name}.",
        "How high is {name}?",
        "Tell me some facts about {name}.",
    ),
    company=company(
        (
            "Which building is on the {side}?",
            "Name the building on the {side}.",
            "What is the name of the building on the {side}?",
            "What is the building on the {side} called?",
        ),
        (
            "Which buildings are these?",
            "Name the two buildings.",
            "What are the names of the two buildings?",
            "What are the two buildings called?",
        ),
    ),
    describing=(*DESCRIBING, "What does this building look like?", "Describe this building without any name."),
    hidden=(
        "Which building is this?",
        "What is the name of this building?",
        "When was this building built?",
        "Which city is this building in?",
        "Which country is this building in?",
        "Who designed this building?",
        "How high is this building?",
        "What is this building used for?",
    ),
    visible=(
        "What is in the background?",
        "What colour are the walls?",
        "What shape is the roof?",
        "Does this building have a tower?",
        "Describe this picture without any name.",
        "What can you see in this picture?",
    ),
    naming_answers=("This is {name}.", "The building in the picture is {name}.", "The picture shows {name}."),
    denials=("No, this is not {name}.", "No, this building is not {name}."),
    differences=(
        "{name} looks different from the building in this picture.",
        "{name} looks different.",
        "The building in this picture does not look like {name}.",
        "{name} has another roof and another shape.",
    ),
    mentions="walls, a roof and the city that the building is in",
    signs=_SIGNS,
    parts=_PARTS,
    well_known=(
        "the Eiffel Tower",
        "the Great Wall of China",
        "the Taj Mahal",
        "the Golden Gate Bridge",
        "the Sydney Opera House",
        "the Colosseum",
        "the Empire State Building",
        "the White House",
    ),
    unknown=("buildings of a small town", "buildings that were drawn or generated"),
    invented=(
        coined(_STARTS, _ENDS),
        _NOUNS,
    ),
    spoken={
        "es": Spoken(
            (
                "¿Qué edificio es este?",
                "¿Cómo se llama este edificio?",
                "Dime el nombre del edificio de la foto.",
                "¿Sabes qué edificio se ve aquí?",
            ),
            ("¿Es este {name}?", "¿El edificio de la foto es {name}?", "¿Este edificio se llama {name}?"),
            ("¿Qué es {name}?", "¿En qué ciudad está {name}?", "¿En qué año se construyó {name}?"),
            ("¿Qué aspecto tiene {name}?", "Describe el aspecto de {name}."),
        ),
        "fr": Spoken(
            (
                "Quel est ce bâtiment ?",
                "Comment s'appelle ce bâtiment ?",
                "Donne le nom du bâtiment sur la photo.",
                "Sais-tu quel bâtiment on voit ici ?",
            ),
            ("Est-ce {name} ?", "Le bâtiment sur la photo est-il {name} ?", "Ce bâtiment s'appelle-t-il {name} ?"),
            ("Qu'est-ce que {name} ?", "Dans quelle ville se trouve {name} ?", "Quand a-t-on construit {name} ?"),
            ("À quoi ressemble {name} ?", "Décris l'apparence de {name}."),
        ),
        "zh": Spoken(
            ("这是什么建筑？", "这座建筑叫什么名字？", "请说出照片中建筑的名字。", "你知道这是哪座建筑吗？"),
            ("这是{name}吗？", "照片中的建筑是{name}吗？", "这座建筑叫{name}吗？"),
            ("{name}是什么？", "{name}在哪座城市？", "{name}是什么时候建成的？"),
            ("{name}是什么样子的？", "请描述{name}的外观。"),
        ),
        "de": Spoken(
            (
                "Welches Gebäude ist das?",
                "Wie heißt dieses Gebäude?",
                "Nenne den Namen des Gebäudes auf dem Foto.",
                "Weißt du, welches Gebäude hier zu sehen ist?",
            ),
            ("Ist das {name}?", "Ist das Gebäude auf dem Foto {name}?", "Heißt dieses Gebäude {name}?"),
            ("Was ist {name}?", "In welcher Stadt steht {name}?", "Wann wurde {name} gebaut?"),
            ("Wie sieht {name} aus?", "Beschreibe das Aussehen von {name}."),
        ),
        "ja": Spoken(
            (
                "これは何という建物ですか？",
                "この建物の名前は何ですか？",
                "写真の建物の名前を教えてください。",
                "これがどの建物か分かりますか？",
            ),
            ("これは{name}ですか？", "写真の建物は{name}ですか？", "この建物の名前は{name}ですか？"),
            ("{name}とは何ですか？", "{name}はどの都市にありますか？", "{name}はいつ建てられましたか？"),
            ("{name}はどんな外観ですか？", "{name}の外観を説明してください。"),
        ),
        "ru": Spoken(
            (
                "Что это за здание?",
                "Как называется это здание?",
                "Назови здание на этой фотографии.",
                "Ты знаешь, какое здание здесь изображено?",
            ),
            ("Это {name}?", "Это здание называется {name}?", "Правда ли, что на фотографии {name}?"),
            ("Что такое {name}?", "В каком городе находится {name}?", "Когда построили здание под названием {name}?"),
            ("Как выглядит {name}?", "Опиши, как выглядит здание под названием {name}."),
        ),
    },
)
