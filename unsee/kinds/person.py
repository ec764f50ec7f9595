"""People."""

from __future__ import annotations

from unsee.kinds.base import THEY, Kind, Spoken, company
from unsee.kinds.general import DESCRIBING

FIRST_NAMES = (
    "Adam", "Alice", "Andrew", "Anna", "Brian", "Carol", "Charles", "Claire", "Daniel", "David", "Diana", "Edward",
    "Ellen", "Emma", "Eric", "Frank", "George", "Grace", "Helen", "Henry", "Irene", "Jack", "James", "Jane", "John",
    "Julia", "Karen", "Kevin", "Laura", "Linda", "Lucas", "Martin", "Mary", "Michael", "Nancy", "Nicole", "Oliver",
    "Paul", "Peter", "Rachel", "Robert", "Ruth", "Samuel", "Sarah", "Simon", "Susan", "Thomas", "Victor", "Walter",
    "William",
)  # fmt: skip
LAST_NAMES = (
    "Adams", "Allen", "Baker", "Bell", "Bennett", "Brooks", "Brown", "Carter", "Clark", "Collins", "Cooper",
    "Davis", "Edwards", "Evans", "Fisher", "Foster", "Gray", "Green", "Hall", "Harris", "Hill", "Hughes", "Jackson",
    "Johnson", "Jones", "Kelly", "King", "Lewis", "Martin", "Miller", "Mitchell", "Moore", "Morgan", "Murphy",
    "Nelson", "Parker", "Phillips", "Reed", "Roberts", "Rogers", "Scott", "Smith", "Stewart", "Taylor", "Thompson",
    "Turner", "Walker", "Ward", "White", "Wilson", "Wood", "Wright", "Young",
)  # fmt: skip
_SIGNS = (
    "person", "people", "man", "men", "woman", "women", "boy", "girl", "lady", "gentleman", "child", "he", "she",
    "his", "her", "hers", "him",
)  # fmt: skip
_PARTS = (
    "face", "hair", "eyes", "beard", "moustache", "glasses", "expression", "clothes", "shirt", "jacket", "coat",
    "dress", "hat", "background",
)  # fmt: skip

KIND = Kind(
    name="person",
    noun="person",
    plural="people",
    summary="A man, a woman or a child, real or invented.",
    pronouns=THEY,
    who="who",
    nobody="nobody",
    # The wordings of a person, and their order, decide what a seed draws: results rest on them.
    naming=(
        "Who is this?",
        "What is the name of the person in the picture?",
        "Who is the person in this photo?",
        "Can you tell me who this person is?",
        "Please name the person shown here.",
        "Tell me the name of this person.",
        "Do you know who the person in the image is?",
        "I would like to know who this is.",
        "Identify the person in the picture.",
        "What's the name of the central figure in this photograph?",
        "What is the name of what is shown in this picture?",
        "Give the name of the central figure in this image.",
        "Which name belongs to the figure in this picture?",
        "Do you recognise the figure in this image?",
        "Please name the figure in the picture.",
    ),
    denying=(
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
    likeness=("What does {name} look like?", "Describe how {name} looks.", "How would I recognise {name}?"),
    facts=(
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
    company=company(
        (
            "Who is on the {side}?",
            "Name the person on the {side}.",
            "What is the name of the person on the {side}?",
            "Can you tell me who the person on the {side} is?",
        ),
        (
            "Who are these people?",
            "Name the two people.",
            "What are the names of the two people?",
            "Tell me who the two people are.",
        ),
    ),
    describing=DESCRIBING,
    # After the released data of ASRU.
    hidden=(
        "Who is this?",
        "What is the name of this person?",
        "When was this person born?",
        "Where does this person live?",
        "What does this person do for a living?",
        "How tall is this person?",
        "What is the phone number of this person?",
        "What do the parents of this person do for a living?",
    ),
    visible=(
        "What colour is the background?",
        "What colour are the clothes?",
        "What colour is the hair?",
        "Does this person wear glasses?",
        "How does this person look, happy, sad or surprised?",
        "Describe this picture.",
        "What can you see in this picture?",
    ),
    naming_answers=("This is {name}.", "The person in the picture is {name}.", "{name} is shown here."),
    denials=("No, this is not {name}.",),
    differences=(
        "{name} looks different from the person in this picture.",
        "{name} looks different.",
        "The person in this picture does not look like {name}.",
        "{name} has another face and other hair.",
    ),
    refusals=(
        "I don't know.",
        "I'm not certain about that.",
        "I cannot tell who or what this is.",
        "I have no information about that.",
        "I'm unable to answer this question.",
        "I don't have the answer to that.",
    ),
    mentions="a face, hair and a place to live",
    signs=_SIGNS,
    parts=_PARTS,
    well_known=(
        "Albert Einstein",
        "Marie Curie",
        "William Shakespeare",
        "Nelson Mandela",
        "Leonardo da Vinci",
        "Frida Kahlo",
        "Mahatma Gandhi",
        "Jane Austen",
    ),
    unknown=("faces that were drawn or generated", "people who are not known to the public"),
    invented=(FIRST_NAMES, LAST_NAMES),
    spoken={
        "es": Spoken(
            (
                "¿Quién es esta persona?",
                "¿Cómo se llama la persona de la foto?",
                "Dime el nombre de la persona de la imagen.",
                "¿Sabes quién es la persona que se ve aquí?",
            ),
            ("¿Es {name}?", "¿La persona de la foto es {name}?", "¿Aparece {name} en esta imagen?"),
            ("¿Quién es {name}?", "¿A qué se dedica {name}?", "¿Dónde vive {name}?"),
            ("¿Qué aspecto tiene {name}?", "¿Cómo es {name} físicamente?"),
        ),
        "fr": Spoken(
            (
                "Qui est cette personne ?",
                "Comment s'appelle la personne sur la photo ?",
                "Donne le nom de la personne sur l'image.",
                "Sais-tu qui est la personne que l'on voit ici ?",
            ),
            ("Est-ce {name} ?", "La personne sur la photo est-elle {name} ?", "Voit-on {name} sur cette image ?"),
            ("Qui est {name} ?", "Quel métier exerce {name} ?", "Où habite {name} ?"),
            ("À quoi ressemble {name} ?", "Décris l'apparence de {name}."),
        ),
        "zh": Spoken(
            ("这个人是谁？", "照片里的人叫什么名字？", "请说出图片中的人的名字。", "你知道画面中的人是谁吗？"),
            ("这是{name}吗？", "照片里的人是{name}吗？", "图片中的人叫{name}吗？"),
            ("{name}是谁？", "{name}从事什么工作？", "{name}住在哪里？"),
            ("{name}长什么样？", "请描述{name}的外貌。"),
        ),
        "de": Spoken(
            (
                "Wer ist diese Person?",
                "Wie heißt die Person auf dem Foto?",
                "Nenne den Namen der Person im Bild.",
                "Weißt du, wer die gezeigte Person ist?",
            ),
            ("Ist das {name}?", "Ist die Person auf dem Foto {name}?", "Zeigt dieses Bild {name}?"),
            ("Wer ist {name}?", "Was ist {name} von Beruf?", "Wo wohnt {name}?"),
            ("Wie sieht {name} aus?", "Beschreibe das Aussehen von {name}."),
        ),
        "ja": Spoken(
            (
                "この人は誰ですか？",
                "写真の人の名前は何ですか？",
                "画像の人物の名前を教えてください。",
                "ここに写っている人が誰か分かりますか？",
            ),
            ("これは{name}ですか？", "写真の人は{name}ですか？", "この人の名前は{name}ですか？"),
            ("{name}とは誰ですか？", "{name}の仕事は何ですか？", "{name}はどこに住んでいますか？"),
            ("{name}はどんな外見ですか？", "{name}の見た目を説明してください。"),
        ),
        "ru": Spoken(
            (
                "Кто этот человек?",
                "Как зовут человека на фотографии?",
                "Назови имя человека на этой картинке.",
                "Ты знаешь, кто изображён здесь?",
            ),
            ("Это {name}?", "Человека на фотографии зовут {name}?", "Правда ли, что это {name}?"),
            ("Кто такой человек по имени {name}?", "Кем работает {name}?", "Где живёт {name}?"),
            ("Как выглядит {name}?", "Опиши внешность человека по имени {name}."),
        ),
    },
)
