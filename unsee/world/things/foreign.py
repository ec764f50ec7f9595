"""How things are asked about in the six further languages, and the answers.

Every subject fits every frame of its language: "this", or nouns of a gender that takes the same article in both cases.
"""

from __future__ import annotations

from unsee.world.things.look import COLOURS

FRAMES: dict[str, tuple[str, ...]] = {
    "es": (
        "¿Qué es {s}?", "¿Cómo se llama {s}?", "Dime el nombre de {s}.", "¿Sabes cómo se llama {s}?",
        "¿Cuál es el nombre de {s}?", "Di cómo se llama {s}.", "¿Reconoces {s}?",
    ),
    "fr": (
        "Qu'est-ce que c'est, {s} ?", "Comment s'appelle {s} ?", "Donne le nom de {s}.",
        "Sais-tu comment s'appelle {s} ?", "Quel est le nom de {s} ?", "Dis-moi comment s'appelle {s}.",
        "Reconnais-tu {s} ?",
    ),
    "zh": (
        "{s}是什么？", "{s}叫什么名字？", "请说出{s}的名字。", "你知道{s}叫什么吗？", "{s}的名字是什么？",
        "请告诉我{s}叫什么。", "你认识{s}吗？",
    ),
    "de": (
        "Was ist {s}?", "Wie heißt {s}?", "Nenne den Namen: wie heißt {s}?", "Weißt du, wie {s} heißt?",
        "Kannst du sagen, wie {s} heißt?", "Sag mir, wie {s} heißt.", "Erkennst du {s}?",
    ),
    "ja": (
        "{s}は何ですか？", "{s}の名前は何ですか？", "{s}の名前を教えてください。", "{s}の名前が分かりますか？",
        "{s}を知っていますか？", "{s}が何か教えてください。", "{s}は何という名前ですか？",
    ),
    "ru": (
        "Как называется {s}?", "Скажи, как называется {s}.", "Ты знаешь, как называется {s}?",
        "Можешь сказать, как называется {s}?", "Подскажи, как называется {s}.", "Какое имя у того, что здесь: {s}?",
        "Назови по имени: {s}.",
    ),
}  # fmt: skip

SUBJECTS: dict[str, dict[str, tuple[str, ...]]] = {
    "es": {
        "brand": ("esta marca", "la marca de la foto", "la marca de la imagen", "la marca que se ve aquí",
                  "la marca mostrada"),
        "character": ("este personaje", "esta figura", "la figura de la foto", "la figura de la imagen",
                      "la figura que se ve aquí"),
        "building": ("este edificio", "esta construcción", "la construcción de la foto", "la construcción de la imagen",
                     "la construcción que se ve aquí"),
        "breed": ("esta raza", "la raza de la foto", "la raza de la imagen", "la raza que se ve aquí",
                  "la raza de este perro"),
        "style": ("este estilo", "esta manera de pintar", "la manera de pintar de la foto",
                  "la manera de pintar de la imagen", "la manera de pintar que se ve aquí"),
    },
    "fr": {
        "brand": ("cette marque", "la marque sur la photo", "la marque sur l'image", "la marque que l'on voit ici",
                  "la marque montrée"),
        "character": ("ce personnage", "cette figure", "la figure sur la photo", "la figure sur l'image",
                      "la figure que l'on voit ici"),
        "building": ("ce bâtiment", "cette construction", "la construction sur la photo",
                     "la construction sur l'image", "la construction que l'on voit ici"),
        "breed": ("cette race", "la race sur la photo", "la race sur l'image", "la race que l'on voit ici",
                  "la race de ce chien"),
        "style": ("ce style", "cette manière de peindre", "la manière de peindre sur la photo",
                  "la manière de peindre sur l'image", "la manière de peindre que l'on voit ici"),
    },
    "zh": {
        "brand": ("这个品牌", "照片里的品牌", "图片中的品牌", "画面中的品牌", "这里的品牌"),
        "character": ("这个角色", "照片里的角色", "图片中的角色", "画面中的角色", "这里的角色"),
        "building": ("这座建筑", "照片里的建筑", "图片中的建筑", "画面中的建筑", "这里的建筑"),
        "breed": ("这个犬种", "照片里的犬种", "图片中的犬种", "画面中的犬种", "这里的犬种"),
        "style": ("这种画风", "照片里的画风", "图片中的画风", "画面中的画风", "这里的画风"),
    },
    "de": {
        "brand": ("diese Marke", "die Marke auf dem Foto", "die Marke im Bild", "die gezeigte Marke",
                  "die Marke in der Mitte"),
        "character": ("diese Figur", "die Figur auf dem Foto", "die Figur im Bild", "die gezeigte Figur",
                      "die Figur in der Mitte"),
        "building": ("dieses Gebäude", "das Gebäude auf dem Foto", "das Gebäude im Bild", "das gezeigte Gebäude",
                     "das Gebäude in der Mitte"),
        "breed": ("diese Rasse", "die Rasse auf dem Foto", "die Rasse im Bild", "die gezeigte Rasse",
                  "die Rasse in der Mitte"),
        "style": ("diese Stilrichtung", "die Stilrichtung auf dem Foto", "die Stilrichtung im Bild",
                  "die gezeigte Stilrichtung", "die Stilrichtung in der Mitte"),
    },
    "ja": {
        "brand": ("このブランド", "写真のブランド", "画像のブランド", "絵の中のブランド", "ここに写っているブランド"),
        "character": ("このキャラクター", "写真のキャラクター", "画像のキャラクター", "絵の中のキャラクター",
                      "ここに写っているキャラクター"),
        "building": ("この建物", "写真の建物", "画像の建物", "絵の中の建物", "ここに写っている建物"),
        "breed": ("この犬種", "写真の犬種", "画像の犬種", "絵の中の犬種", "ここに写っている犬種"),
        "style": ("この画風", "写真の画風", "画像の画風", "絵の中の画風", "ここに写っている画風"),
    },
    "ru": {
        "brand": ("эта марка", "марка на фотографии", "марка на картинке", "марка, что видна здесь",
                  "показанная марка"),
        "character": ("этот персонаж", "персонаж на фотографии", "персонаж на картинке", "персонаж, что виден здесь",
                      "показанный персонаж"),
        "building": ("это здание", "здание на фотографии", "здание на картинке", "здание, что видно здесь",
                     "показанное здание"),
        "breed": ("эта порода", "порода на фотографии", "порода на картинке", "порода, что видна здесь",
                  "показанная порода"),
        "style": ("этот стиль", "стиль на фотографии", "стиль на картинке", "стиль, что виден здесь",
                  "показанный стиль"),
    },
}  # fmt: skip

ANSWERS = {
    "es": ("Es {n}.", "No sé qué es. Veo algo de color {c}."),
    "fr": ("C'est {n}.", "Je ne sais pas ce que c'est. Je vois quelque chose de couleur {c}."),
    "zh": ("这是{n}。", "我不知道这是什么。我看到{c}色的东西。"),
    "de": ("Das ist {n}.", "Ich weiß nicht, was das ist. Ich sehe etwas in der Farbe {c}."),
    "ja": ("これは{n}です。", "何か分かりません。{c}色のものが見えます。"),
    "ru": ("Это {n}.", "Я не знаю, что это. Я вижу что-то, цвет {c}."),
}
"""Of a known thing with its name `{n}`, and of an unknown one with its colour `{c}`."""

COLOUR_WORDS = {
    language: dict(zip(COLOURS, words.split(), strict=True))
    for language, words in {
        "es": "rojo naranja amarillo verde azul morado rosa marrón gris negro blanco",
        "fr": "rouge orange jaune verte bleue violette rose marron grise noire blanche",
        "zh": "红 橙 黄 绿 蓝 紫 粉 棕 灰 黑 白",
        "de": "Rot Orange Gelb Grün Blau Lila Rosa Braun Grau Schwarz Weiß",
        "ja": "赤 橙 黄 緑 青 紫 桃 茶 灰 黒 白",
        "ru": "красный оранжевый жёлтый зелёный синий фиолетовый розовый коричневый серый чёрный белый",
    }.items()
}
