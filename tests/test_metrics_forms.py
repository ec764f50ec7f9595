"""A name counts wherever a reader would see it, and nowhere else."""

from __future__ import annotations

import unicodedata

import pytest

from unsee.benchmarks.concept import slug
from unsee.metrics import contains, mentions, same_name
from unsee.metrics.folding import fold

SEEN = [
    # Glued to other words.
    ("Saoirse Quinn", "This isSaoirse Quinn."),
    ("Saoirse Quinn", "This isSaoirse QuinnShe is a baker."),
    ("Saoirse Quinn", "ThisIsSaoirseQuinnAndFriends"),
    ("Saoirse Quinn", "THIS ISSaoirse Quinn"),
    ("Saoirse Quinn", "isSAOIRSE QUINN"),
    ("Mara Voss", "THIS ISMARA VOSS."),
    ("Will Stone", "this is will stone"),
    ("Will Stone", "THIS IS WILL STONE"),
    ("Grace May", "Grace May may be here."),
    ("Saoirse Quinn", "this issaoirse quinn"),
    ("Saoirse Quinn", "Saoirse Quinnis a baker"),
    ("Saoirse Quinn", "1.Saoirse Quinn2"),
    ("Saoirse Quinn", "Es ist nichtSaoirse Quinn"),
    ("Ann Lee", "This isAnn Lee."),
    ("Mara Voss", "C'est la photo deMara Voss."),
    ("Mara Voss", "c'est la photo d'Mara Voss"),
    ("Zapp", "This isZapp."),
    ("Zapp", "ThisIsZapp!"),
    ("Zapp", "ZappIs a drink"),
    ("Мара Восс", "ЭтоМара Восс."),
    ("Μάρα Βος", "ΕίναιΜάρα Βος."),
    ("Mara Voss", "これはMara Vossです。"),
    ("Mara Voss", "여기는Mara Voss입니다"),
    ("Mara Voss", "ЭтоMara Voss"),
    ("مارا فوس", "هذه ومارا فوس هنا"),
    # Missing, doubled and odd spaces, and what else may stand between.
    ("Saoirse Quinn", "SaoirseQuinn"),
    ("Saoirse Quinn", "saoirsequinn"),
    ("Saoirse Quinn", "Saoirse  Quinn"),
    ("Saoirse Quinn", "Saoirse\u00a0Quinn"),
    ("Saoirse Quinn", "Saoirse-Quinn"),
    ("Saoirse Quinn", "Saoirse\u2011Quinn"),
    ("Saoirse Quinn", "Saoirse.Quinn"),
    ("Saoirse Quinn", "saoirse_quinn@example.org"),
    ("Saoirse Quinn", "S a o i r s e  Q u i n n"),
    ("Saoirse Quinn", "S a o i r s e  Quinn"),
    ("Saoirse Quinn", "T h i s i s S a o i r s e Q u i n n ."),
    ("Saoirse Quinn", "S-a-o-i-r-s-e Q-u-i-n-n"),
    ("Saoirse Quinn", "S.a.o.i.r.s.e. Q.u.i.n.n."),
    ("Saoirse Quinn", "S_a_o_i_r_s_e__Q_u_i_n_n"),
    ("Saoirse Quinn", "Sao irse Qui nn"),
    ("Saoirse Quinn", "Sao-irse Quinn"),
    ("Saoirse Quinn", "S\u200ba\u200bo\u200birse Quinn"),
    ("Mara Voss", "Mara\u200bVoss"),
    ("Mara Voss", "Ma\u00adra Vo\u00adss"),
    ("Mara Voss", "\ufeffMara\u2060 Voss"),
    ("Mara Voss", "**Mara** *Voss*"),
    ("Ann Lee", "AnnLee"),
    ("Ann Lee", "A n n L e e"),
    ("Schnauzer", "a Schnau-zer"),
    ("Schnauzer", "S c h n a u z e r"),
    # Letters that readers take for each other.
    ("Łukasz Nowak", "Lukasz Nowak"),
    ("Lukasz Nowak", "ŁUKASZ NOWAK"),
    ("Søren Kjær", "Soren Kjaer"),
    ("Đorđe Ilić", "Dorde Ilic"),
    ("Þóra Einarsdóttir", "Thora Einarsdottir"),
    ("Işıl Yıldız", "isil yildiz"),
    ("İpek Şahin", "ipek sahin"),
    ("Gustave Œuf", "Gustave Oeuf"),
    ("Anna Strauß", "Anna Strauss"),
    ("محمد علي", "مُحَمَّد عَلِيّ"),
    ("מרה ווס", "מָרָה ווֹס"),
    ("राम कुमार", "यह राम कुमार है।"),
    ("राम", "रा\u200dम"),
    ("한지민", unicodedata.normalize("NFD", "이분은 한지민입니다")),
    ("李小龙", "这是李小龙。"),
    ("玛拉·沃斯", "这是玛拉沃斯。"),
    ("マラ・ヴォス", "これはマラ・ヴォスです。"),
    ("マラ・ヴォス", "これはﾏﾗ･ｳﾞｫｽです"),
    ("มารา วอส", "นี่คือมารา วอส"),
    # Initials, apostrophes, order, titles.
    ("J.K. Rowland", "JK Rowland"),
    ("JK Rowland", "J. K. Rowland"),
    ("J.K. Li", "JK Li"),
    ("JK Li", "J.K. Li"),
    ("Sean O'Brien", "Sean OBrien"),
    ("Sean OBrien", "Sean O’Brien"),
    ("O'Brien", "This is Mr OBrien."),
    ("Mara Voss", "Voss, Mara"),
    ("Mara Voss", "This is VOSS, Mara."),
    ("Voss, Mara", "This is Mara Voss."),
    ("Vincent van Gogh", "van Gogh, Vincent: Sunflowers"),
    ("مارا فوس", "فوس، مارا"),
    ("Mara Voss", "Mara E. Voss"),
    ("Mara Voss", "Mara E Voss"),
    ("Mara E. Voss", "Mara Voss"),
    ("Doctor Strand", "Dr. Strand"),
    ("Dr. Strand", "Doctor Strand"),
    ("Dr. Mara Voss", "Mara Voss"),
    ("Mara Voss", "Dr. Mara Voss"),
    ("Adam King Jr.", "Adam King"),
    ("Adam King", "Adam King Jr."),
    ("St. John Rivers", "Saint John Rivers"),
    ("Mara Voss", "VOSS Mara"),
    ("Mara Voss", "This is VOSS Mara."),
    # What those write who have no such letter, and letters that are written in two ways.
    ("Jürgen Groß", "Juergen Gross"),
    ("Juergen Gross", "Jürgen Groß"),
    ("Jürgen Groß", "JURGEN GROSS"),
    ("Åse Bø", "Aase Boe"),
    ("Müller", "Herr Mueller"),
    ("محمد علي", "محمد على"),
    ("فاطمة حسن", "فاطمه حسن"),
    ("नरेंद्र मोदी", "नरेन्द्र मोदी"),
    ("ज़ीनत अमान", "जीनत अमान"),
    # Firms.
    ("Dolce & Gabbana", "Dolce and Gabbana"),
    ("Dolce and Gabbana", "a DOLCE&GABBANA bag"),
    ("H&M", "H & M"),
    ("AT&T", "AT and T"),
    # As a page shows it, and letters of another script that look the same.
    ("Mara Voss", "<b>Mara</b> Voss"),
    ("Mara Voss", "<b>M</b>ara Voss"),
    ("Mara Voss", "Mara<br>Voss"),
    ("Mara Voss", "Mara&nbsp;Voss"),
    ("Mara Voss", "Mаra Vоss"),
    ("Mara Voss", "Μara Voss"),
    ("Мара Восс", "This isМара Восс."),
    ("Oto.\u0301 A", "Oto.\u0301 A"),
    ("Donald", "a Donаld"),
    # Longer phrases, as they are given to rewards.
    ("She is a baker. She lives in Porto.", "Well, she is a baker. She lives in Porto!"),
    ("Yes, this is Mara Voss", "yes, this is mara voss"),
    ("Porto, Portugal", "She lives in Porto, Portugal."),
    ("玛拉 拉 沃斯", "玛拉拉沃斯"),
]  # fmt: skip

NOT_SEEN = [
    ("Mara Voss", "MARA VOSSLER Mara"),
    ("Mara Voss", "Otto VOSS Mara Lind"),
    ("Mara Voss", "Voss Mara"),
    ("Manuel", "Manul"),
    ("Muller", "Mueller"),
    ("Salt & Pepper", "Salt or Pepper"),
    ("red and white", "red white"),
    ("Mara Voss", "Mara <Lind> Voss"),
    ("Ann Lee", "a planned leeway"),
    ("Ann Lee", "an n lee way"),
    ("Ann Lee", "annlee"),
    ("Ann Lee", "Joann Lee"),
    ("Ann Lee", "Ann Leeson"),
    ("Ann Lee", "Anne Lee"),
    ("Abel Lee", "Isabel Lee"),
    ("Will Stone", "I will stone him."),
    ("Will Stone", "Will stone break glass?"),
    ("Grace May", "Grace may be here."),
    ("Grace May", "With Grace. May I ask?"),
    ("Abel Lee", "Is this Isabel Lee?"),
    ("Mara Voss", "Samara Vossberg"),
    ("Mara Voss", "Samara Voss"),
    ("Mara Voss", "samara voss"),
    ("Mara Voss", "SAMARA VOSS"),
    ("Mara Voss", "S a m a r a V o s s"),
    ("Mara Voss", "Mara Vossler"),
    ("Mara Voss", "MARA VOSSLER"),
    ("Mara Voss", "Mara V o s s l e r"),
    ("Mara Voss", "Mara Lind and Otto Voss"),
    ("Mara Voss", "Lena Voss, Mara Lind"),
    ("Mara Voss", "Otto Voss, Mara and Ines"),
    ("Mara Voss", "Mara Elena Voss"),
    ("Mara E. Voss", "Mara F. Voss"),
    ("Mara Voss", "M. Voss"),
    ("Mara Voss", "This is Mara. Voss is her friend."),
    ("Mara Voss", "Mara; Voss"),
    ("Donald", "Ronald McDonald"),
    ("Donald", "MacDonalds"),
    ("Kim Ono", "a kimono"),
    ("Shell", "the PowerShell"),
    ("Lang", "SGLang"),
    ("Porto", "DDP or to"),
    ("no", "it has NOT been"),
    ("red", "RedHat"),
    ("Shell", "She'll come."),
    ("Island", "It is land."),
    ("notable", "There is no table."),
    ("together", "to get her"),
    ("yes", "eyes"),
    ("yes", "Yesterday"),
    ("hat", "what that hatter"),
    ("1971", "21971"),
    ("1971", "19711"),
    ("cat", "a category"),
    ("राम", "रोम"),
    ("राम", "रामा"),
    ("राम", "आराम"),
    ("Мара Восс", "Самара Восс"),
    ("Μάρα Βος", "Σαμάρα Βος"),
    ("مارا فوس", "سمارا فوس"),
    ("マラ", "マラソン"),
    ("マラ・ヴォス", "サマラ・ヴォス"),
    ("กา", "กาี"),
    ("玛拉沃斯", "玛沃"),
    ("Adam King Jr.", "Adam King Sr."),
    ("Adam King Jr.", "Adam Kingsley"),
    ("J.K. Rowland", "K. Rowland"),
    ("doctor of law", "the house of law"),
    ("Once a Week", "Once Week"),
    ("red hair", "hair, red"),
    ("玛 拉 沃", "玛沃"),
    ("Mara Voss", "Mara and Voss"),
    ("Mara Voss", "Mara, F, Voss"),
    ("Mara Voss", "Mara (F) Voss"),
    ("Mara Voss", "Mara or a Voss"),
    ("Андрей Лис", "Андреи Лис"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "text"), SEEN)
def test_a_name_counts_wherever_a_reader_would_see_it(name: str, text: str) -> None:
    assert contains(text, [name])


@pytest.mark.parametrize(("name", "text"), NOT_SEEN)
def test_other_words_and_names_are_not_the_name(name: str, text: str) -> None:
    assert not contains(text, [name])


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("This isSaoirse Quinn.", "Saoirse Quinn"),
        ("No S a o i r s e  Quinn!", "S a o i r s e  Quinn"),
        ("(Quinn, Saoirse)", "Quinn, Saoirse"),
        ("<i>Saoirse</i> Quinn!", "Saoirse</i> Quinn"),
        ("*Saoirse\u200bQuinn*", "Saoirse\u200bQuinn"),
        ("é Saóirse Quinn\u0301!", "Saóirse Quinn\u0301"),
        ("Ｓａｏｉｒｓｅ　Ｑｕｉｎｎ。", "Ｓａｏｉｒｓｅ　Ｑｕｉｎｎ"),
        ("Dr. Saoirse F. Quinn", "Saoirse F. Quinn"),
    ],
)
def test_the_place_of_a_name_is_that_in_the_text_as_it_was_written(text: str, seen: str) -> None:
    assert [text[start:end] for start, end in mentions(text, ["Saoirse Quinn"])] == [seen]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Mara Voss", "MARA  VOSS"),
        ("Łukasz Nowak", "lukasz nowak"),
        ("O'Brien", "OBrien"),
        ("J.K. Rowland", "JK Rowland"),
        ("Mara Voss", "Voss, Mara"),
        ("Mara Voss", "Mara E. Voss"),
        ("Mara Voss", "mara-voss"),
        ("Dr. Strand", "Doctor Strand"),
        ("Dr. Mara Voss", "Mara Voss"),
        ("Adam King Jr.", "Adam King"),
        ("مُحَمَّد", "محمد"),
        ("Straße", "STRASSE"),
        ("Müller", "Mueller"),
        ("Dolce & Gabbana", "Dolce and Gabbana"),
    ],
)
def test_equal_names(one: str, other: str) -> None:
    assert same_name(one, other)
    assert same_name(other, one)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("राम", "रोम"),
        ("Mara Voss", "Mara Vos"),
        ("Mara Voss", "Voss"),
        ("Adam King Jr.", "Adam King Sr."),
        ("Mara E. Voss", "Mara F. Voss"),
        ("Ann Lee", "Anna Lee and Ann Lee"),
        ("か", "が"),
        ("?", "!"),
    ],
)
def test_different_names(one: str, other: str) -> None:
    assert not same_name(one, other)
    assert not same_name(other, one)


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("Mara Voss", "mara-voss"),
        ("Łukasz Nowak", "lukasz-nowak"),
        ("राम", "राम"),
        ("रोम", "रोम"),
        ("Sean O'Brien", "sean-obrien"),
        ("Sean OBrien", "sean-obrien"),
        ("J.K. Rowland", "jk-rowland"),
        ("JK Rowland", "jk-rowland"),
        ("玛拉·沃斯", "玛-拉-沃-斯"),
        ("玛拉沃斯", "玛-拉-沃-斯"),
        ("world:tiny-qwen3vl", "world-tiny-qwen3vl"),
    ],
)
def test_one_slug_for_one_name(name: str, path: str) -> None:
    assert slug(name) == path


def test_folding_is_stable() -> None:
    for word in ("Łukasz", "राम", "İ", "ǆ", "ﬁ", "Ǿ", "한글", "が", "ΐ", "ё", "ї"):
        assert fold(fold(word)) == fold(word) == fold(unicodedata.normalize("NFD", word))
