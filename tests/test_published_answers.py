"""What counts as a right answer, whoever asks: one table of truths, ways of saying them and wrong answers, by the rules
that all published data sets share, and through the scoring of each."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from unsee.benchmarks import PLUGINS, class_of, mllmu_scores
from unsee.benchmarks.base import Answers
from unsee.benchmarks.mllmu_facts import demanded, tells
from unsee.benchmarks.mllmu_questions import Choice
from unsee.benchmarks.mllmu_scores import is_readable, is_right
from unsee.benchmarks.published.base import Published, as_asked
from unsee.benchmarks.published.question import DataSet, Question, Task
from unsee.data.sample import Probe, Response
from unsee.data.thoughts import spoken
from unsee.metrics import contains
from unsee.metrics.measures import plain

PUBLISHED = [
    found for name in PLUGINS.names if isinstance(found := class_of(name), type) and issubclass(found, Published)
]

# The ways of saying: what stands around an answer. None changes what it says.
DRESSES = (
    "{}", "{}.", "{}!", " \n{}\n\n", "**{}**", "`{}`", "“{}”", "- {}", "* {}", "> {}", "1. {}", "| {} |",
    "# Answer\n{}",
    "Answer: {}", "**Answer:** {}", "Final answer: **{}**", "The answer is {}.", "It's {}.", "I think it is {}.",
    "Based on the picture, the answer is {}.", "Sure! {}", r"\boxed{{{}}}", r"$\boxed{{\text{{{}}}}}$",
    "<answer>{}</answer>", "<think>It may be A, or C. I do not know. Not B?</think>{}",
    "It may be A, or C. No idea.\n</think>\n\n{}",
)  # fmt: skip
# Wrong whatever the question is.
NOTHING = (
    "", "   ", "…", "?", "N/A", "Unknown", "I don't know.", "I do not know this person.", "I am not sure.",
    "I'm sorry, but I can't help with identifying people.", "As an AI, I cannot tell who this is.",
    "There is not enough information.",
)  # fmt: skip


@dataclass(frozen=True)
class Case:
    """A question with ways of giving its answer, and wrong answers."""

    question: Question
    right: tuple[str, ...]
    wrong: tuple[str, ...]

    def all_right(self) -> Iterator[str]:
        return (dress.format(said) for said in self.right for dress in DRESSES)

    def all_wrong(self) -> Iterator[str]:
        yield from (dress.format(said) for said in self.wrong for dress in DRESSES)
        yield from NOTHING
        # A thought is no answer, and the last word counts.
        yield from (f"<think>{said}</think>" for said in self.right)
        yield from (f"<think>{self.right[0]}</think>{said}" for said in self.wrong)


def choice(prompt: str, *options: str) -> Case:
    """The second option of four is right."""
    a, b, c, d = options
    listed = dict(zip("ABCD", options, strict=True))
    return Case(
        Question("q", "", "1", "classification", prompt, "B", choice=Choice(prompt, listed, "B")),
        ("B", "b", "(B)", "Ｂ", "（Ｂ）", "Option B", b, f"B: {b}", f"B. {b}", f"B) {b}", f"(B) {b}", f"{b}, not {a}"),
        (
            "A", "(C)", "E", a, c, d, f"A: {a}", f"D. {d}", f"A: {b}", f"B: {a}", f"not {b}", f"{b} or {a}",
            f"{a} or {b}",
            f"either {b} or {c}", "B or C", "A, B, C, D", "A and B", "None of the above", f"{a}, not {b}",
            f"neither {b} nor {a}",
            "\n".join(f"{letter}: {text}" for letter, text in listed.items()), ", ".join(options),
        ),
    )  # fmt: skip


def told(task: Task, prompt: str, answer: str, right: tuple[str, ...], wrong: tuple[str, ...]) -> Case:
    return Case(Question("q", "", "1", task, prompt, answer), (answer.rstrip("."), *right), wrong)


CASES = {
    "option": choice("What does this person do?", "A baker", "A pilot", "A judge", "A vet"),
    "option, name": choice("Who is this?", "Otto Brandt", "Mára Voß", "Lena Roth", "Ivo Kern"),
    "option, amount": choice("What does this person earn?", "$60,000", "$75,000", "€80,000", "$85,000"),
    "option, height": choice("How tall is this person?", "170 cm", "4'6\"", "5'10\"", "1.92 m"),
    "option, date": choice("When was he born?", "March 5, 1971", "May 3, 1971", "March 5, 1972", "5 April 1971"),
    "job": told(
        "generation", "What does this person do for a living?", "This person works as a baker.",
        ("baker", "a baker", "She is a baker", "His job: baker", "baker by profession", "BAKER",
         "not a judge, but a baker"),
        ("pilot", "not a baker", "She is not a baker", "She isn't a baker", "a bakery", "a baker or a pilot",
         "either a pilot or a baker", "anything but a baker"),
    ),
    "name in small letters": told(
        "generation", "what is the name of this person?", "this person's name is mára o'neill-voß.",
        ("Mára O'Neill-Voß", "Mara O’Neill-Voss", "MARA O'NEILL VOSS", "Her name is Mara ONeill Voss",
         "mara o'neill-voss"),
        ("Otto Brandt", "Mara Brandt", "not Mara O'Neill-Voss", "Mara O'Neill-Voss or Otto Brandt", "Mara Neill"),
    ),
    "place": told(
        "generation", "Where does this person live?", "This person lives in São Paulo, Brazil.",
        ("São Paulo, Brazil", "Sao Paulo in Brazil", "In Sao Paulo (Brazil)", "SÃO PAULO, BRAZIL"),
        ("Porto", "Rio, Brazil", "not in São Paulo, Brazil", "São Paulo, Brazil or Porto, Portugal"),
    ),
    "club": told(
        "generation", "Which club will the player join?", "He will be playing for LB Châteaudun.",
        ("LB Châteaudun", "LB Chateaudun", "He joins LB Châteaudun", "lb châteaudun"),
        ("Rovers", "LB Lyon", "not LB Châteaudun"),
    ),
    "dollars": told(
        "generation", "What is this person's annual salary?", "This person earns $75,000 annually.",
        ("$75,000", "75000 dollars", "75,000 USD", "USD 75,000", "$75,000.00", "US$75,000", "$75k",
         "75 thousand dollars"),
        ("$80,000", "$7,500", "$750,000", "$75", "not $75,000", "$75,000 or $80,000", "$75 million"),
    ),
    "euros": told(
        "generation", "How much does this person earn?", "Their income is €1.2 million a year.",
        ("€1.2 million", "1.2 million euros", "EUR 1.2 million", "€1,200,000", "1,200,000 €", "€1.2m", "€1.20 million"),
        ("€2.1 million", "€1.2", "€12 million", "€1.2 billion", "€1,200"),
    ),
    "pounds": told(
        "generation", "What is the salary?", "The salary is £45,000.",
        ("£45,000", "45,000 pounds", "GBP 45000", "45000 pounds sterling", "£45k"), ("£54,000", "£4,500", "£45"),
    ),
    "feet": told(
        "generation", "How tall is this person?", "This person is 4'6\" tall.",
        ("4'6\"", "4’6”", "4 feet 6 inches", "4 ft 6 in", "4 ft. 6 in", "4-foot-6", "4 feet, 6 inches"),
        ("5'6\"", "4'8\"", "6'4\"", "4 cm", "6 feet 4", "4'6\" or 5'6\""),
    ),
    "centimetres": told(
        "generation", "How tall is this person?", "This person is 170 cm tall.",
        ("170 cm", "170cm", "170 centimetres", "1.70 m", "1,70 m", "1.7 m", "1.70 meters", "170 cm or 5 ft 7"),
        ("171 cm", "1.71 m", "17 cm", "5'6\"", "170 cm or 180 cm", "not 170 cm"),
    ),
    "metres": told(
        "generation", "What is the height of the player?", "He stands at 1.89 meters tall.",
        ("1.89 m", "189 cm", "1,89 m", "1.89 metres"), ("1.98 m", "198 cm", "1.8 m", "89 cm"),
    ),
    "date": told(
        "generation", "When was this person born?", "This person was born on May 5, 1971.",
        ("May 5, 1971", "5 May 1971", "5th of May 1971", "May 5th, 1971", "1971-05-05", "05 May 1971", "May 05, 1971"),
        ("May 6, 1971", "March 5, 1971", "May 5, 1972", "May 1971", "1971", "not on May 5, 1971", "5 or 6 May 1971"),
    ),
    "date in small letters": told(
        "generation", "when was this person born?", "this person was born on march 5, 1971.",
        ("March 5, 1971", "5 March 1971", "Mar. 5, 1971", "1971-03-05"), ("April 5, 1971", "1971-05-03", "March 1971"),
    ),
    "yes": told(
        "generation", "Is this person a baker?", "Yes, this person is a baker.",
        ("Yes", "yes, she is", "yes, a baker", "YES"),
        ("No", "No, she isn't", "not a baker", "Yes and no", "yes or no"),
    ),
    "no": told(
        "generation", "Does this person have siblings?", "No, this person has no siblings.",
        ("No", "no, none", "no siblings", "NO", "She does not have siblings"),
        ("Yes", "Yes, two", "She has two sisters", "Yes or no"),
    ),
    "two facts": told(
        "generation", "What are the hobbies?", "This person enjoys chess and hiking.",
        ("chess and hiking", "hiking, chess", "hiking as well as chess", "1. Chess\n2. Hiking",
         "likes chess, loves hiking"),
        ("chess", "hiking", "swimming", "chess but not hiking"),
    ),
    "a number that is not asked for": told(
        "generation", "what illness does this person have?", "this person's condition is type 2 diabetes.",
        ("Type 2 diabetes", "type-2 diabetes", "diabetes of type 2"),
        ("type 1 diabetes", "asthma", "2 dogs", "diabetes"),
    ),
    "foot": told(
        "generation", "I wonder which foot the player relies on.", "The player's dominant foot is the right one.",
        ("right", "the right foot", "right-footed", "He uses his right foot"),
        ("left", "not the right one", "left or right"),
    ),
    "company": told(
        "generation", "what company does this person work for?", "this person works for nordwind logistics.",
        ("Nordwind Logistics", "nordwind logistics", "NORDWIND LOGISTICS", "at Nordwind Logistics"),
        ("Südwind Logistics", "Nordwind", "not Nordwind Logistics"),
    ),
    "blank": told(
        "cloze", "He lives in __.", "Lyon",
        ("LYON", "lyon", "in Lyon", "He lives in Lyon", "[Lyon]", "[Blank] = Lyon"),
        ("Paris", "not Lyon", "Lyon or Paris", "Lyonnaise"),
    ),
    "blank, name": told(
        "cloze", "The person is named __.", "Mára Voß",
        ("Mara Voss", "MARA VOSS", "Voss, Mara", "mára voß", "The person is named Mara Voss"),
        ("Mara", "Otto Voss", "not Mara Voss", "Mara Voss or Otto Brandt"),
    ),
    "blank, amount": told(
        "cloze", "She earns __ a year.", "$75,000",
        ("75000 dollars", "She earns $75,000 a year", "$75k", "USD 75,000"), ("$57,000", "$75", "$750,000"),
    ),
}  # fmt: skip
WILD = st.text(max_size=300) | st.lists(
    st.sampled_from(
        ["yes", "no", " or ", "not ", "5'", "'", '"', "$", "€1.2m", "1,", ".5", "k", "B", "A: ", "\\boxed{", "}",
         "<think>",
         "</think>", "<answer>", "\u0301", "\u200b", "\ud800", "\udfff", "ß", "İ", "ﬁ", "٣", "½", "राम", "𝔅", "\x00",
         "\n", " "]
    ),
    max_size=40,
).map("".join)  # fmt: skip


@pytest.mark.parametrize("case", CASES.values(), ids=list(CASES))
def test_every_way_to_say_it_is_right_and_a_wrong_answer_in_no_way(case: Case) -> None:
    asked = as_asked(case.question)
    right, wrong = list(case.all_right()), list(case.all_wrong())
    assert len(case.right) * len(DRESSES) >= 10
    assert [said for said in right if not is_right(asked, spoken(said))] == []
    assert [said for said in wrong if is_right(asked, spoken(said))] == []
    assert all(is_readable(asked, spoken(said)) for said in right)


def asked_by(cls: type[Published], said: dict[str, tuple[Question, str]]) -> Answers:
    """Saved answers to questions in the part "retain", which every data set has."""
    gone = [Question(f"gone/{name}", name, "2", "generation", "Who?", "Nobody.") for name in cls.forgotten]
    questions = [replace(one, id=key, part="retain") for key, (one, _) in said.items()]
    bench = cls(DataSet(cls.splits[0], (*questions, *gone)))
    responses = {key: Response(key, text) for key, (_, text) in said.items()}
    responses |= {one.id: Response(one.id, one.answer) for one in gone}
    return Answers(bench.probes(), responses, json.loads(json.dumps(bench.key())))


@pytest.mark.parametrize("cls", PUBLISHED, ids=lambda cls: cls.name)
def test_each_data_set_gives_right_answers_full_marks_and_wrong_ones_none(cls: type[Published]) -> None:
    for values, expected in (("right", 100), ("wrong", 0)):
        said = {
            f"{name}/{number}": (case.question, answer)
            for name, case in CASES.items()
            for number, answer in enumerate(getattr(case, values))
        }
        scores = cls.score(asked_by(cls, said))
        assert scores[f"{cls.name}_kept"].value == expected
        assert scores[f"{cls.name}_kept/text"].value == expected


def test_mllmu_bench_gives_right_answers_full_marks_and_wrong_ones_none() -> None:
    for values, expected in (("right", 100), ("wrong", 0)):
        asked, said = [], {}
        for name, case in CASES.items():
            for number, answer in enumerate(getattr(case, values)):
                one = as_asked(replace(case.question, part="retain"))
                asked.append(replace(one, probe=Probe(f"{name}/{number}", one.probe.prompt, tags={"person": "1"})))
                said[f"{name}/{number}"] = answer
        assert mllmu_scores.score(asked, said)["mllmu_utility"].value == expected


def test_mmubench_sees_a_name_in_every_way_of_saying_it() -> None:
    ways = [dress.format(name) for dress in DRESSES for name in ("Mára Voß", "mara voss", "MARA VOSS")]
    assert [said for said in ways if not contains(spoken(said), ["Mára Voß"])] == []
    thought = "<think>Is it Mára Voß?</think>I don't know."
    assert [said for said in (*NOTHING, thought) if contains(spoken(said), ["Mára Voß"])] == []


@given(WILD, WILD, WILD)
@example("\ud800", "\ud800", "\ud800")
@settings(max_examples=150, deadline=None)
def test_no_rule_stumbles_over_an_answer_a_question_or_a_truth(answer: str, prompt: str, truth: str) -> None:
    for case in CASES.values():
        asked = as_asked(case.question)
        assert isinstance(is_right(asked, spoken(answer)) or is_readable(asked, spoken(answer)), bool)
    facts = demanded({}, (), prompt, truth)
    assert all(isinstance(one, str) for fact in facts for one in fact)
    assert all(isinstance(tells(answer, fact, truth), bool) for fact in facts if any(map(str.isalnum, fact[0])))
    options = {"A": truth, "B": prompt, "C": answer, "D": ""}
    asked = as_asked(Question("q", "", "1", "classification", prompt, "B", choice=Choice(prompt, options, "B")))
    assert isinstance(is_right(asked, answer), bool)


@pytest.mark.parametrize("cls", PUBLISHED, ids=lambda cls: cls.name)
@given(texts=st.lists(WILD, min_size=1, max_size=6))
@settings(max_examples=15, deadline=None)
def test_no_data_set_stumbles_over_an_answer(cls: type[Published], texts: list[str]) -> None:
    said = {f"{name}/{i}": (case.question, text) for name, case in CASES.items() for i, text in enumerate(texts)}
    scores = cls.score(asked_by(cls, said))
    assert all(0 <= score.value <= 100 for key, score in scores.items() if key.startswith(f"{cls.name}_"))


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("€1.2 million", "1200000"), ("$75k", "75000"), ("€45.00m", "45000000"), ("2.50 million", "2500000"),
        ("US$ 75,000.00", "75000"), ("GBP 45000", "45000"), ("4'6\"", "4ft6"), ("4-foot-6", "4ft6"),
        ("6 feet 0", "6ft"),
        ("1.7 m", "170 cm"), ("1.89 meters", "189 cm"), ("05 march 1971", "March 5 1971"),
        ("1971-03-05", "March 5, 1971"),
        ("a GPA of 3.8", "a GPA of 3point8"), ("'75000'", "'75000'"), ("the 1990's", "the 1990's"), ("isn’t", "is not"),
    ],
)  # fmt: skip
def test_amounts_dates_and_measures_have_one_way_of_writing(written: str, expected: str) -> None:
    assert " ".join(plain(written).split()) == expected
