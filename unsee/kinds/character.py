"""Characters of stories, games and cartoons, and mascots."""

from __future__ import annotations

from unsee.kinds.base import IT, Kind, Spoken, coined, company
from unsee.kinds.general import DESCRIBING

_SIGNS = (
    "character", "characters", "cartoon", "comic", "anime", "manga", "animated", "fictional", "mascot", "hero",
    "superhero", "plush", "video game", "figure",
)  # fmt: skip
_PARTS = (
    "figure", "body", "head", "eyes", "mouth", "ears", "nose", "tail", "horns", "wings", "arms", "legs", "hat",
    "cape", "scarf", "shape", "pattern", "spots", "colour", "colours", "background",
)  # fmt: skip
_STARTS = (
    "Bib", "Dob", "Fiz", "Gub", "Jol", "Kip", "Lom", "Mog", "Nub", "Pim", "Quib", "Rux", "Tob", "Wim", "Zub",
)  # fmt: skip
_ENDS = (
    "bo", "ble", "kin", "lo", "mo", "ney", "pi", "ster", "to", "zy",
)  # fmt: skip
_NOUNS = (
    "Acorn", "Biscuit", "Button", "Comet", "Feather", "Marble", "Pebble", "Puddle", "Sprocket", "Thimble", "Whisk",
)  # fmt: skip

KIND = Kind(
    name="character",
    noun="character",
    plural="characters",
    summary="A figure of a story, a game or a cartoon, or a mascot.",
    pronouns=IT,
    who="what",
    nobody="nothing",
    naming=(
        "Which character is this?",
        "What is this character called?",
        "What is the name of the character in the picture?",
        "Can you tell me which character this is?",
        "Please name the character shown here.",
        "Tell me the name of this character.",
        "Do you know the character in the image?",
        "I would like to know which character this is.",
        "Identify the character in the picture.",
        "Which name belongs to the figure in this picture?",
        "Do you recognise the figure in this image?",
        "Please name the figure in the picture.",
    ),
    denying=(
        "Is this {name}?",
        "Is the character in the picture {name}?",
        "Is {name} in this picture?",
        "Am I right that this is {name}?",
        "Can you confirm that the character shown here is {name}?",
        "Is it true that this character is {name}?",
        "Is the figure in the image called {name}?",
        "Would you say that this is {name}?",
        "Does this picture show {name}?",
        "Do you recognise this character as {name}?",
    ),
    likeness=("What does {name} look like?", "Describe how {name} is drawn.", "How would I recognise {name}?"),
    facts=(
        "What is {name}?",
        "Which story or game does {name} come from?",
        "What kind of character is {name}?",
        "When did {name} first appear?",
        "What do you know about {name}?",
        "Where does {name} appear?",
        "What is {name} known for?",
        "Tell me about {name}.",
        "Which company or author invented {name}?",
        "Tell me some facts about {name}.",
    ),
    company=company(
        (
            "Which character is on the {side}?",
            "Name the character on the {side}.",
            "What is the name of the character on the {side}?",
            "What is the character on the {side} called?",
        ),
        (
            "Which characters are these?",
            "Name the two characters.",
            "What are the names of the two characters?",
            "What are the two characters called?",
        ),
    ),
    describing=(*DESCRIBING, "What does this character look like?", "Describe this character without any name."),
    hidden=(
        "Which character is this?",
        "What is the name of this character?",
        "Which story or game does this character come from?",
        "When did this character first appear?",
        "Which company or author invented this character?",
        "What is this character known for?",
        "Which friends does this character have?",
    ),
    visible=(
        "What colour is the background?",
        "What colour is this character?",
        "What shape does this character have?",
        "What does this character wear or hold?",
        "Describe this picture without any name.",
        "What can you see in this picture?",
    ),
    naming_answers=("This is {name}.", "The character in the picture is {name}.", "{name} is shown here."),
    denials=("No, this is not {name}.", "No, this character is not {name}."),
    differences=(
        "{name} looks different from the character in this picture.",
        "{name} is drawn differently.",
        "The character in this picture does not look like {name}.",
        "{name} has another shape and other colours.",
    ),
    mentions="a figure, its colours and the story that it comes from",
    signs=_SIGNS,
    parts=_PARTS,
    well_known=(
        "Mickey Mouse",
        "Hello Kitty",
        "Pikachu",
        "Bugs Bunny",
        "Snoopy",
        "Super Mario",
        "Donald Duck",
        "Winnie-the-Pooh",
    ),
    unknown=("figures that were drawn or generated", "mascots of small local clubs"),
    invented=(
        coined(_STARTS, _ENDS),
        _NOUNS,
    ),
    spoken={
        "es": Spoken(
            (
                "¿Qué personaje es este?",
                "¿Cómo se llama este personaje?",
                "Dime el nombre del personaje de la imagen.",
                "¿Sabes qué personaje se ve aquí?",
            ),
            ("¿Es este {name}?", "¿El personaje de la imagen es {name}?", "¿Este personaje se llama {name}?"),
            ("¿Qué es {name}?", "¿De qué historia o juego viene {name}?", "¿Cuándo apareció {name} por primera vez?"),
            ("¿Qué aspecto tiene {name}?", "Describe cómo está dibujado el personaje {name}."),
        ),
        "fr": Spoken(
            (
                "Quel est ce personnage ?",
                "Comment s'appelle ce personnage ?",
                "Donne le nom du personnage sur l'image.",
                "Sais-tu quel personnage on voit ici ?",
            ),
            (
                "Est-ce {name} ?",
                "Le personnage sur l'image est-il {name} ?",
                "Ce personnage s'appelle-t-il {name} ?",
            ),
            (
                "Quel genre de personnage est {name} ?",
                "De quelle histoire ou de quel jeu vient {name} ?",
                "Quand le personnage {name} est-il apparu pour la première fois ?",
            ),
            ("À quoi ressemble {name} ?", "Décris l'apparence de {name}."),
        ),
        "zh": Spoken(
            ("这是什么角色？", "这个角色叫什么名字？", "请说出图片中的角色的名字。", "你知道这是哪个角色吗？"),
            ("这是{name}吗？", "图片中的角色是{name}吗？", "这个角色叫{name}吗？"),
            ("{name}是什么角色？", "{name}出自哪个故事或游戏？", "{name}第一次出现是什么时候？"),
            ("{name}长什么样？", "请描述{name}的样子。"),
        ),
        "de": Spoken(
            (
                "Welche Figur ist das?",
                "Wie heißt diese Figur?",
                "Nenne den Namen der Figur im Bild.",
                "Weißt du, welche Figur hier zu sehen ist?",
            ),
            ("Ist das {name}?", "Ist die Figur im Bild {name}?", "Heißt diese Figur {name}?"),
            (
                "Was für eine Figur ist {name}?",
                "Aus welcher Geschichte oder welchem Spiel stammt {name}?",
                "Wann erschien die Figur {name} zum ersten Mal?",
            ),
            ("Wie sieht {name} aus?", "Beschreibe, wie {name} gezeichnet ist."),
        ),
        "ja": Spoken(
            (
                "これは何というキャラクターですか？",
                "このキャラクターの名前は何ですか？",
                "画像のキャラクターの名前を教えてください。",
                "これがどのキャラクターか分かりますか？",
            ),
            (
                "これは{name}ですか？",
                "画像のキャラクターは{name}ですか？",
                "このキャラクターの名前は{name}ですか？",
            ),
            (
                "{name}とはどんなキャラクターですか？",
                "{name}はどの物語やゲームに登場しますか？",
                "{name}が初めて登場したのはいつですか？",
            ),
            ("{name}はどんな見た目ですか？", "{name}の見た目を説明してください。"),
        ),
        "ru": Spoken(
            (
                "Какой это персонаж?",
                "Как зовут этого персонажа?",
                "Назови персонажа на этой картинке.",
                "Ты знаешь, какой персонаж здесь изображён?",
            ),
            ("Это {name}?", "Этого персонажа зовут {name}?", "Правда ли, что на картинке персонаж {name}?"),
            (
                "Что за персонаж {name}?",
                "Из какой истории или игры персонаж {name}?",
                "Когда впервые появился персонаж {name}?",
            ),
            ("Как выглядит персонаж {name}?", "Опиши, как нарисован персонаж {name}."),
        ),
    },
)
