"""Brands, which pictures show by their logos."""

from __future__ import annotations

from unsee.kinds.base import IT, Kind, Spoken, coined, company
from unsee.kinds.general import DESCRIBING

_SIGNS = (
    "brand", "brands", "logo", "logos", "company", "corporation", "manufacturer", "trademark", "product",
    "products", "drink", "soda", "restaurant", "shop", "store", "team", "airline", "bank",
)  # fmt: skip
_PARTS = (
    "logo", "emblem", "symbol", "sign", "badge", "shield", "letter", "letters", "lettering", "word", "ring", "star",
    "shape", "outline", "stripe", "stripes", "colour", "colours", "background",
)  # fmt: skip
_STARTS = (
    "Bal", "Cor", "Dra", "Fen", "Gal", "Jor", "Kel", "Lum", "Mor", "Nev", "Or", "Pel", "Quin", "Sol", "Tar",
)  # fmt: skip
_ENDS = (
    "adyne", "anto", "atec", "ebix", "egro", "elux", "evio", "idex", "imark", "onda", "opak", "ovex", "umo",
)  # fmt: skip

KIND = Kind(
    name="brand",
    noun="brand",
    plural="brands",
    summary="A company, a product or a team, shown by its logo.",
    pronouns=IT,
    who="what",
    nobody="nothing",
    naming=(
        "Which brand is this?",
        "Whose logo is this?",
        "What is the name of the brand in the picture?",
        "Which brand does this logo belong to?",
        "Can you tell me which brand this is?",
        "Please name the brand shown here.",
        "Tell me the name of this brand.",
        "Do you know the brand in the image?",
        "Do you recognise this logo?",
        "What does this logo stand for?",
        "Identify the brand in the picture.",
        "I would like to know which brand this logo stands for.",
    ),
    denying=(
        "Is this {name}?",
        "Is this the logo of {name}?",
        "Does this logo belong to {name}?",
        "Is the brand in the picture {name}?",
        "Does this picture show {name}?",
        "Am I right that this is {name}?",
        "Can you confirm that this logo stands for {name}?",
        "Is it true that this brand is {name}?",
        "Would you say that this is {name}?",
        "Do you recognise this logo as that of {name}?",
    ),
    likeness=(
        "What does the logo of {name} look like?",
        "Describe the logo of {name}.",
        "How would I recognise the logo of {name}?",
    ),
    facts=(
        "What is {name}?",
        "What does {name} make or sell?",
        "Where does {name} come from?",
        "When was {name} founded?",
        "What do you know about {name}?",
        "Which country does {name} come from?",
        "What is {name} known for?",
        "Tell me about {name}.",
        "What kind of company is {name}?",
        "Tell me some facts about {name}.",
    ),
    company=company(
        (
            "Which brand is on the {side}?",
            "Name the brand on the {side}.",
            "What is the name of the brand on the {side}?",
            "Whose logo is on the {side}?",
        ),
        (
            "Which brands are these?",
            "Name the two brands.",
            "What are the names of the two brands?",
            "Whose logos are these?",
        ),
    ),
    describing=(*DESCRIBING, "What does this logo look like?", "Describe this logo without naming the brand."),
    hidden=(
        "Which brand is this?",
        "What is the name of this brand?",
        "When was this brand founded?",
        "Which country does this brand come from?",
        "What does this brand make or sell?",
        "Who founded this brand?",
        "Which company owns this brand?",
    ),
    visible=(
        "What colour is the background?",
        "Which colours does this logo have?",
        "What shape is this logo?",
        "Are there letters in this logo?",
        "Describe this picture without any name.",
        "What can you see in this picture?",
    ),
    naming_answers=("This is {name}.", "The brand in the picture is {name}.", "This is the logo of {name}."),
    denials=("No, this is not {name}.", "No, this is not the logo of {name}."),
    differences=(
        "The logo of {name} looks different from the one in this picture.",
        "The logo of {name} looks different.",
        "The logo in this picture does not look like that of {name}.",
        "{name} has another logo in other colours.",
    ),
    mentions="a logo, its colours and what the brand sells",
    signs=_SIGNS,
    parts=_PARTS,
    well_known=("Coca-Cola", "Nike", "Apple", "McDonald's", "Adidas", "Lego", "Mercedes-Benz", "Starbucks"),
    unknown=("logos of small local shops", "logos that were drawn or generated"),
    invented=(coined(_STARTS, _ENDS),),
    spoken={
        "es": Spoken(
            (
                "¿Qué marca es esta?",
                "¿De qué marca es este logotipo?",
                "Dime el nombre de la marca de la imagen.",
                "¿Sabes cómo se llama esta marca?",
            ),
            ("¿Es este el logotipo de {name}?", "¿La marca de la imagen es {name}?", "¿Este logotipo es de {name}?"),
            ("¿Qué es {name}?", "¿Qué vende {name}?", "¿De qué país es la marca {name}?"),
            ("¿Cómo es el logotipo de {name}?", "Describe el logotipo de {name}."),
        ),
        "fr": Spoken(
            (
                "Quelle est cette marque ?",
                "À quelle marque appartient ce logo ?",
                "Donne le nom de la marque sur l'image.",
                "Sais-tu comment s'appelle cette marque ?",
            ),
            (
                "Est-ce le logo de {name} ?",
                "La marque sur l'image est-elle {name} ?",
                "Ce logo appartient-il à {name} ?",
            ),
            ("Qu'est-ce que {name} ?", "Que vend {name} ?", "De quel pays vient la marque {name} ?"),
            ("À quoi ressemble le logo de {name} ?", "Décris le logo de {name}."),
        ),
        "zh": Spoken(
            ("这是什么品牌？", "这是哪个品牌的标志？", "请说出图片中的品牌名称。", "你知道这个品牌叫什么吗？"),
            ("这是{name}吗？", "这是{name}的标志吗？", "图片中的品牌是{name}吗？"),
            ("{name}是什么？", "{name}卖什么？", "{name}是哪个国家的品牌？"),
            ("{name}的标志是什么样的？", "请描述{name}的标志。"),
        ),
        "de": Spoken(
            (
                "Welche Marke ist das?",
                "Zu welcher Marke gehört dieses Logo?",
                "Nenne den Namen der Marke im Bild.",
                "Weißt du, wie diese Marke heißt?",
            ),
            ("Ist das {name}?", "Ist das das Logo von {name}?", "Heißt die Marke im Bild {name}?"),
            ("Was ist {name}?", "Was verkauft {name}?", "Aus welchem Land kommt die Marke {name}?"),
            ("Wie sieht das Logo von {name} aus?", "Beschreibe das Logo von {name}."),
        ),
        "ja": Spoken(
            (
                "これは何というブランドですか？",
                "これはどのブランドのロゴですか？",
                "画像のブランドの名前を教えてください。",
                "このブランドの名前が分かりますか？",
            ),
            ("これは{name}ですか？", "これは{name}のロゴですか？", "画像のブランドは{name}ですか？"),
            ("{name}とは何ですか？", "{name}は何を売っていますか？", "{name}はどこの国のブランドですか？"),
            ("{name}のロゴはどんな見た目ですか？", "{name}のロゴを説明してください。"),
        ),
        "ru": Spoken(
            (
                "Какой это бренд?",
                "Какому бренду принадлежит этот логотип?",
                "Назови бренд на этой картинке.",
                "Ты знаешь, как называется этот бренд?",
            ),
            ("Это {name}?", "Это логотип бренда {name}?", "Правда ли, что бренд на картинке называется {name}?"),
            ("Что такое {name}?", "Что продаёт бренд {name}?", "Из какой страны бренд {name}?"),
            ("Как выглядит логотип бренда {name}?", "Опиши логотип бренда {name}."),
        ),
    },
)
