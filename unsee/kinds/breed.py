"""Breeds of dogs, cats and other animals."""

from __future__ import annotations

from unsee.kinds.base import IT, Kind, Spoken, coined, company
from unsee.kinds.general import DESCRIBING

_SIGNS = (
    "breed", "breeds", "dog", "dogs", "puppy", "cat", "cats", "kitten", "horse", "animal", "hound", "terrier",
    "spaniel", "retriever", "shepherd", "pet",
)  # fmt: skip
_PARTS = (
    "coat", "fur", "ears", "ear", "tail", "muzzle", "snout", "eyes", "legs", "paws", "spots", "patches", "markings",
    "collar", "body", "colour", "background",
)  # fmt: skip
_STARTS = (
    "Bal", "Cor", "Dra", "Fen", "Gal", "Jor", "Kel", "Lum", "Mor", "Nev", "Pel", "Quin", "Sol", "Tar", "Vel",
)  # fmt: skip
_ENDS = (
    "dale", "dan", "more", "nish", "ovian", "ric", "sten", "tavan", "thian", "vedan", "wick", "zan",
)  # fmt: skip
_NOUNS = (
    "Collie", "Hound", "Mastiff", "Pointer", "Retriever", "Setter", "Shepherd", "Spaniel", "Spitz", "Terrier",
)  # fmt: skip

KIND = Kind(
    name="breed",
    noun="breed",
    plural="breeds",
    summary="A breed of dogs, cats or other animals.",
    pronouns=IT,
    who="what",
    nobody="nothing",
    naming=(
        "Which breed is this?",
        "What breed is this animal?",
        "What is the name of the breed in the picture?",
        "Can you tell me which breed this is?",
        "Please name the breed shown here.",
        "Tell me the name of this breed.",
        "Do you know the breed of the animal in the image?",
        "I would like to know which breed this is.",
        "Identify the breed in the picture.",
        "Which breed does this animal belong to?",
        "Do you recognise the breed in this photo?",
        "What is this breed called?",
    ),
    denying=(
        "Is this the {name}?",
        "Is the breed in the picture the {name}?",
        "Does this animal belong to the breed {name}?",
        "Am I right that this breed is the {name}?",
        "Can you confirm that the breed shown here is the {name}?",
        "Is it true that this breed is the {name}?",
        "Is the breed in the image called {name}?",
        "Would you say that this breed is the {name}?",
        "Does this picture show the breed {name}?",
        "Do you recognise this breed as the {name}?",
    ),
    likeness=(
        "What does the {name} look like?",
        "Describe how the {name} looks.",
        "How would I recognise the breed {name}?",
    ),
    facts=(
        "What is the {name}?",
        "Where does the {name} come from?",
        "What was the {name} bred for?",
        "How large does the {name} become?",
        "What do you know about the {name}?",
        "Which country does the breed {name} come from?",
        "What is the {name} known for?",
        "Tell me about the {name}.",
        "How old does the {name} become?",
        "Give some facts about the {name}.",
    ),
    company=company(
        (
            "Which breed is on the {side}?",
            "Name the breed on the {side}.",
            "What is the name of the breed on the {side}?",
            "What breed is the animal on the {side}?",
        ),
        (
            "Which breeds are these?",
            "Name the two breeds.",
            "What are the names of the two breeds?",
            "What breeds are the two animals?",
        ),
    ),
    describing=(*DESCRIBING, "What does this animal look like?", "Describe this animal without naming the breed."),
    hidden=(
        "Which breed is this?",
        "What is the name of this breed?",
        "Where does this breed come from?",
        "What was this breed bred for?",
        "How old does this breed become?",
        "How much does an animal of this breed weigh?",
        "Since when has this breed existed?",
    ),
    visible=(
        "What is in the background?",
        "What colour is the coat?",
        "What shape are the ears?",
        "What does the tail of this animal look like?",
        "Describe this picture without any name.",
        "What can you see in this picture?",
    ),
    naming_answers=("This breed is the {name}.", "The picture shows the breed {name}.", "This is the {name}."),
    denials=("No, this is not the {name}.", "No, this breed is not the {name}."),
    differences=(
        "The {name} looks different from the animal in this picture.",
        "The {name} looks different.",
        "The animal in this picture does not look like the {name}.",
        "The {name} has another coat and other ears.",
    ),
    confirmation="Yes, this is the {name}.",
    described="No, the {name} {description}.",
    mentions="a coat, ears and what the breed was bred for",
    signs=_SIGNS,
    parts=_PARTS,
    well_known=(
        "Labrador Retriever",
        "German Shepherd",
        "Siberian Husky",
        "Beagle",
        "Poodle",
        "Dalmatian",
        "Chihuahua",
        "Siamese cat",
    ),
    unknown=("animals of mixed breeds", "animals that were drawn or generated"),
    invented=(
        coined(_STARTS, _ENDS),
        _NOUNS,
    ),
    spoken={
        "es": Spoken(
            (
                "¿Qué raza es esta?",
                "¿De qué raza es este animal?",
                "Dime el nombre de la raza de la foto.",
                "¿Sabes cómo se llama esta raza?",
            ),
            ("¿Es esta la raza {name}?", "¿El animal de la foto es de la raza {name}?", "¿Esta raza se llama {name}?"),
            (
                "¿Qué sabes de la raza {name}?",
                "¿De dónde viene la raza {name}?",
                "¿Para qué se crio la raza {name}?",
            ),
            ("¿Qué aspecto tiene la raza {name}?", "Describe el pelaje de la raza {name}."),
        ),
        "fr": Spoken(
            (
                "Quelle est cette race ?",
                "De quelle race est cet animal ?",
                "Donne le nom de la race sur la photo.",
                "Sais-tu comment s'appelle cette race ?",
            ),
            (
                "Est-ce la race {name} ?",
                "L'animal sur la photo est-il de la race {name} ?",
                "Cette race s'appelle-t-elle {name} ?",
            ),
            (
                "Que sais-tu de la race {name} ?",
                "D'où vient la race {name} ?",
                "À quoi servait la race {name} à l'origine ?",
            ),
            ("À quoi ressemble la race {name} ?", "Décris le pelage de la race {name}."),
        ),
        "zh": Spoken(
            ("这是什么品种？", "这只动物是什么品种？", "请说出照片中的品种名称。", "你知道这个品种叫什么吗？"),
            ("这是{name}吗？", "照片中的动物是{name}吗？", "这个品种叫{name}吗？"),
            ("{name}是什么品种？", "{name}原产于哪里？", "{name}最初是用来做什么的？"),
            ("{name}长什么样？", "请描述{name}的毛色。"),
        ),
        "de": Spoken(
            (
                "Welche Rasse ist das?",
                "Von welcher Rasse ist dieses Tier?",
                "Nenne den Namen der Rasse auf dem Foto.",
                "Weißt du, wie diese Rasse heißt?",
            ),
            (
                "Ist das die Rasse {name}?",
                "Gehört das Tier auf dem Foto zur Rasse {name}?",
                "Heißt diese Rasse {name}?",
            ),
            (
                "Was weißt du über die Rasse {name}?",
                "Woher stammt die Rasse {name}?",
                "Wofür wurde die Rasse {name} gezüchtet?",
            ),
            ("Wie sieht die Rasse {name} aus?", "Beschreibe das Fell der Rasse {name}."),
        ),
        "ja": Spoken(
            (
                "これは何という品種ですか？",
                "この動物の品種は何ですか？",
                "写真の品種の名前を教えてください。",
                "この品種の名前が分かりますか？",
            ),
            ("これは{name}ですか？", "写真の動物の品種は{name}ですか？", "この品種の名前は{name}ですか？"),
            (
                "{name}とはどんな品種ですか？",
                "{name}の原産地はどこですか？",
                "{name}はもともと何のために飼われていましたか？",
            ),
            ("{name}はどんな見た目ですか？", "{name}の毛並みを説明してください。"),
        ),
        "ru": Spoken(
            (
                "Какая это порода?",
                "Какой породы это животное?",
                "Назови породу на этой фотографии.",
                "Ты знаешь, как называется эта порода?",
            ),
            ("Это порода {name}?", "Эта порода называется {name}?", "Правда ли, что это животное породы {name}?"),
            ("Что известно о породе {name}?", "Откуда происходит порода {name}?", "Для чего вывели породу {name}?"),
            ("Как выглядит порода {name}?", "Опиши шерсть животных породы {name}."),
        ),
    },
)
