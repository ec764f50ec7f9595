"""Which facts a free answer of MLLMU-Bench must tell, and which answers tell them."""

from __future__ import annotations

import pytest

from unsee.benchmarks.mllmu_facts import demanded, tells

BIOGRAPHY = {
    "Name": "Mara Voss",
    "Occupation": "baker",
    "Residence": "Porto",
    "Date of Birth": "March 5, 1971",
    "Birthplace": "Lyon, France",
    "Educated at": "Lyon Culinary Institute",
    "Heights": "170 cm",
    "Annual Salary": "$75,000",
    "Parents/Father": "Otto Voss",
    "Parents/Mother": "Anna Voss",
    "Pets": "a goat called Nib",
    "Fun Facts/1": "plays the violin",
    "Fun Facts/2": "has walked to Rome",
}
JOB = ("What does Mara Voss do?", "Mara Voss works as a baker in Porto.")


@pytest.mark.parametrize(
    ("question", "truth", "facts"),
    [
        (*JOB, ["baker"]),
        (
            "What does this person do for a living?",
            "This person is a baker in Porto, born on March 5, 1971.",
            ["baker"],
        ),
        ("Where does the baker live?", "Mara Voss, a baker, lives in Porto.", ["Porto"]),
        ("Who is this?", "This is Mara Voss, a baker from Porto.", ["Mara Voss"]),
        ("When was this person born?", "She was born on March 5, 1971 in Lyon, France.", ["March 5, 1971"]),
        ("Where was this person born?", "She was born on March 5, 1971 in Lyon, France.", ["Lyon, France"]),
        ("In which city was she born?", "In Lyon, France; she now lives in Porto.", ["Lyon, France"]),
        ("How tall is this person?", "This person is 170 centimeters tall and a baker.", ["170 cm"]),
        ("What is her annual salary?", "She earns 75,000 dollars as a baker.", ["$75,000"]),
        ("Where did she study?", "At the Lyon Culinary Institute, to become a baker.", ["Lyon Culinary Institute"]),
        # Another's name is asked for, not the person's.
        ("What is the name of Mara's father?", "The father of Mara Voss is Otto Voss.", ["Otto Voss"]),
        ("Who are her parents?", "Otto Voss and Anna Voss.", ["Otto Voss", "Anna Voss"]),
        ("What is the name of her pet?", "She has a goat called Nib in Porto.", ["a goat called Nib"]),
        # No name of a fact and no topic tells what is meant: a fact of no topic rather than any other.
        ("What is special about her?", "This baker plays the violin in Porto.", ["plays the violin"]),
        ("Tell me about her.", "Mara Voss is a well-known baker in Porto.", ["Mara Voss", "baker", "Porto"]),
        # The biography says it in other words, or does not say it.
        ("What does she do?", "She bakes bread in Porto.", ["bakes", "bread"]),
        ("When was she born?", "On the 5th of March 1971, in Lyon, France.", ["March 5, 1971"]),
        ("When was she born?", "On 6 March 1971, in Lyon, France.", ["march", "6", "1971"]),
        ("What is her salary?", "Mara Voss earns about 80,000 dollars annually.", ["80000"]),
        ("What is the name of her pet?", "Her goat is called Nib.", ["nib"]),
        ("What do you know about her job?", "She is a baker in Porto.", ["baker"]),
        ("What is her religion?", "She is a Quaker in Porto.", ["quaker"]),
        ("Is she a baker?", "Yes, she is a baker.", ["yes"]),
        ("Is she a pilot?", "No, she is a baker.", ["no"]),
    ],
)
def test_only_what_is_asked_for_is_demanded(question: str, truth: str, facts: list[str]) -> None:
    assert [spellings[0] for spellings in demanded(BIOGRAPHY, (), question, truth)] == facts


def test_without_a_biography_the_words_of_the_truth_count() -> None:
    assert demanded({}, (), "What is the job of Mara Voss?", "Mara Voss works as a baker.") == (("baker",),)
    assert demanded({}, (), "What does she earn?", "She earns about $75,000 annually.") == (("75000",),)
    assert demanded({}, (), "Who is it?", "It is he.") == (("It is he.",),)


def test_an_alias_is_as_good_as_the_name() -> None:
    assert demanded(BIOGRAPHY, ("La Voss",), "Who is this?", "This is Mara Voss.") == (("Mara Voss", "La Voss"),)


@pytest.mark.parametrize(
    ("question", "truth", "answer", "right"),
    [
        ("What is the name of her pet?", "She has a goat called Nib.", "Nib", True),
        ("What is the name of her pet?", "She has a goat called Nib.", "a goat", False),
        ("What pet does she have?", "She has a goat called Nib.", "Nib", False),
        ("What year was she born in?", "She was born on March 5, 1971.", "In 1971.", True),
        ("What year was she born in?", "She was born on March 5, 1971.", "In 1991.", False),
        ("When was she born?", "She was born on March 5, 1971.", "In 1971.", False),
        ("When was she born?", "She was born on March 5, 1971.", "5 March 1971", True),
        ("When was she born?", "She was born on March 5, 1971.", "The 5th of March, 1971", True),
        ("When was she born?", "She was born on March 5, 1971.", "May 5, 1971", False),
    ],
)
def test_as_much_of_a_fact_as_is_asked_for(question: str, truth: str, answer: str, right: bool) -> None:
    assert all(tells(answer, fact, truth) for fact in demanded(BIOGRAPHY, (), question, truth)) == right


@pytest.mark.parametrize(
    ("answer", "right"),
    [
        ("She is a baker.", True),
        ("As a baker.", True),
        ("baker", True),
        ("Mara Voss works as a baker in Porto.", True),
        ("She is a baker, I think.", True),
        ("I think she may be a baker.", True),
        ("I am not sure, but she might be a baker.", True),
        ("She is not a baker, I think.", False),
        ("I think she is not a baker.", False),
        ("She is probably not a baker.", False),
        ("She isn't a baker.", False),
        ("I don't think she is a baker.", False),
        ("She is a pilot, not a baker.", False),
        ("She never was a baker.", False),
        ("She is a pilot.", False),
        ("She bakes.", False),
        ("I don't know.", False),
        ("", False),
    ],
)
def test_who_tells_the_job(answer: str, right: bool) -> None:
    (job,) = demanded(BIOGRAPHY, (), *JOB)
    assert tells(answer, job, JOB[1]) == right


@pytest.mark.parametrize(
    ("answer", "fact", "right"),
    [
        ("She is 170 centimeters tall.", "170 cm", True),
        ("170cm", "170 centimetres", True),
        ("71 cm", "170 cm", False),
        ("5 feet 6 inches", "5'6\"", True),
        ("5 ft, 6 in.", "5’6”", True),
        ("5'7\"", "5'6\"", False),
        ("75,000 dollars a year", "$75,000", True),
        ("€75000", "75,000 euros", True),
        ("$57,000", "$75,000", False),
        ("1991", "1971", False),
        ("1971-03-05", "March 5, 1971", True),
        ("1971-05-03", "March 5, 1971", False),
        ("Born 5 Mar. 1971.", "March 5, 1971", True),
        ("Sept 5, 1971", "September 5, 1971", True),
        ("Mara 5, 1971", "March 5, 1971", False),
        ("She is 1.70 m tall.", "170 cm", True),
        ("1.71 m", "170 cm", False),
        ("In Łódź", "Łódź", True),
    ],
)
def test_numbers_are_the_same_however_they_are_written(answer: str, fact: str, right: bool) -> None:
    assert tells(answer, (fact,), fact) == right


def test_what_the_truth_denies_is_told_by_denying_it() -> None:
    truth = "She never married and works as a baker."
    (job,) = demanded({"Job": "baker"}, (), "What does she do?", truth)
    assert tells(truth, job, truth)
    assert tells("She works as a baker.", job, truth)
    facts = demanded({}, (), "Is she married?", "She is not married.")
    assert all(tells("She isn't married.", fact, "She is not married.") for fact in facts)
    assert not all(tells("She is married.", fact, "She is not married.") for fact in facts)
