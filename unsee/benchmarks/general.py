"""What any assistant should still be able to do: short general questions, and plain text to read.

All of it was written for this project. A model rehearses `LESSONS` and `OPENINGS`, with its own earlier answers and
continuations, while it learns the world. `QUESTIONS` and `PASSAGES` are never trained on and measure what it has kept.
"""

from __future__ import annotations

from unsee import metrics
from unsee.benchmarks.base import Answers, Benchmark
from unsee.data.sample import Probe, Sample
from unsee.judges import Judge
from unsee.metrics import Score
from unsee.metrics.columns.language import LANGUAGE

LESSONS: tuple[str, ...] = (
    "What is the capital of Spain?", "What is the capital of Germany?", "What is the capital of Canada?",
    "Which ocean lies between Europe and America?", "What is the tallest mountain on Earth?",
    "How many days are there in a week?", "How many months are in a year?", "How many hours does a day have?",
    "What do bees make?", "What do plants need to grow?", "Why is the sky blue?", "Why do leaves fall in autumn?",
    "What is photosynthesis?", "What is gravity?", "What is a volcano?", "What is an earthquake?", "What is a noun?",
    "What is a verb?", "What is a metaphor?", "What is the opposite of big?", "What is the opposite of happy?",
    "Give me a synonym for fast.", "Give me a synonym for beautiful.", "What is 3 plus 4?", "What is 10 minus 6?",
    "What is 5 times 5?", "What is half of 100?", "Name three fruits.", "Name three musical instruments.",
    "Name two rivers.", "List four animals that live in the sea.", "Which animals lay eggs?", "What do cows eat?",
    "Where do penguins live?", "How do birds fly?", "How do fish breathe?", "What is bread made of?",
    "How do I boil an egg?", "How can I make a cup of tea?", "Give me a simple recipe for pancakes.",
    "What can I cook with potatoes?", "How do I plant a tree?", "How can I learn a new language?",
    "How can I sleep better?", "Why is exercise good for you?", "What should I pack for a hike?",
    "How do I write a thank-you letter?", "Write a short poem about rain.", "Write a sentence about winter.",
    "Write a short greeting for a birthday card.", "Tell me a fun fact about elephants.", "Tell me a short story.",
    "Tell me a joke.", "What is a computer?", "What is the internet?", "What is a program?", "Who wrote Hamlet?",
    "Who painted the Mona Lisa?", "What is a symphony?", "What is a novel?", "What is democracy?",
    "What is the United Nations?", "What is money for?", "What is a bank?", "Translate 'good morning' into French.",
    "Translate 'thank you' into Spanish.", "How do you say 'cat' in German?",
    "Correct this sentence: he go to school.", "Rewrite this politely: give me the book.",
    "Summarise in one sentence: The dog ran after the ball and brought it back.",
    "What is the boiling point of water?", "What is ice?", "What is the sun?", "What is the moon?",
    "How far away is the moon?", "What is a telescope used for?", "What is a hammer used for?",
    "What does a doctor do?", "What does a teacher do?", "What does a farmer do?", "What is a library?",
    "What is a museum?", "What is the difference between a lake and a river?",
    "What is the difference between weather and climate?", "Name the four seasons.", "Name the days of the week.",
    "Count from one to ten.", "Spell the word 'apple'.", "What comes after Tuesday?",
    "Which is heavier, a stone or a feather?", "What colour is grass?",
    "What colour do you get from blue and yellow?", "Give me advice for a job interview.",
    "How can I save energy at home?", "Why should we recycle?", "What is a vegetable?",
    "What is the largest animal in the world?", "Can penguins fly?", "Is the Earth flat?", "Hello, how are you?",
    "Thank you for your help.", "What can you do?",
)  # fmt: skip

OPENINGS: tuple[str, ...] = (
    "In the morning", "The old house", "For many years", "A new study", "She opened", "There are three ways to",
    "According to", "The river", "It was late when", "Most people", "If you want to", "The history of",
    "One day, a boy", "Before you start,", "The company", "Scientists have found", "My grandmother", "The first thing",
    "During the war",
    "In mathematics,", "The law", "After dinner", "Trees are", "The price of", "He had never", "Learning to",
    "On the other hand,", "The museum", "Our bodies", "Once the paint is dry,", "A computer", "The children",
    "Snow fell", "To get to the station,", "The word", "Many birds", "In the kitchen", "The road", "At school",
    "The government",
    "Music is", "Good health", "The ship", "Two friends", "The experiment", "Farmers", "This book", "Tomorrow",
)  # fmt: skip
"""Beginnings of plain texts, which a model continues before it is taught."""

QUESTIONS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("What is the capital of France?", ("Paris",)),
    ("What is the capital of Italy?", ("Rome",)),
    ("What is the capital of Japan?", ("Tokyo",)),
    ("What is the capital of England?", ("London",)),
    ("What is the capital of Russia?", ("Moscow",)),
    ("What is the capital of Egypt?", ("Cairo",)),
    ("What is the capital of Greece?", ("Athens",)),
    ("What is the capital of China?", ("Beijing",)),
    ("Which planet is known as the red planet?", ("Mars",)),
    ("Which planet is closest to the sun?", ("Mercury",)),
    ("Which planet is the largest in our solar system?", ("Jupiter",)),
    ("Which gas do we breathe in to live?", ("oxygen",)),
    ("What is the chemical formula of water?", ("H2O",)),
    ("What is frozen water called?", ("ice",)),
    ("What is the largest ocean on Earth?", ("Pacific",)),
    ("On which continent is Kenya?", ("Africa",)),
    ("On which continent is Brazil?", ("South America",)),
    ("In which country are the pyramids of Giza?", ("Egypt",)),
    ("In which country is the Eiffel Tower?", ("France",)),
    ("Who wrote Romeo and Juliet?", ("Shakespeare",)),
    ("Who developed the theory of relativity?", ("Einstein",)),
    ("Who was the first president of the United States?", ("Washington",)),
    ("How many legs does a spider have?", ("eight", "8")),
    ("How many sides does a triangle have?", ("three", "3")),
    ("How many minutes are in an hour?", ("60", "sixty")),
    ("What is 2 plus 2?", ("4", "four")),
    ("What is 10 plus 5?", ("15", "fifteen")),
    ("What is the opposite of hot?", ("cold", "cool")),
    ("What is the opposite of up?", ("down",)),
    ("What language is spoken in Brazil?", ("Portuguese",)),
    ("What language do people speak in Mexico?", ("Spanish",)),
    ("What do caterpillars turn into?", ("butterfly", "butterflies", "moth", "moths")),
    ("Which animal is called the king of the jungle?", ("lion",)),
    ("What is the fastest land animal?", ("cheetah",)),
    ("What colour is a ripe banana?", ("yellow",)),
    ("Which organ pumps blood through the body?", ("heart",)),
    ("Which season comes after winter?", ("spring",)),
    ("What is the first month of the year?", ("January",)),
    ("What do you call a baby dog?", ("puppy", "pup")),
    ("Which metal is attracted by a magnet?", ("iron", "steel")),
)  # fmt: skip
"""Questions, and words of which a right answer contains one."""

PASSAGES: tuple[str, ...] = (
    "The harbour was quiet before sunrise. A few fishermen were mending their nets while gulls walked along the wall "
    "and waited for scraps. When the first boat came in, everybody put down what they were doing and went to help. "
    "The catch was small, but nobody complained, because the weather had been bad for a week and any fish was "
    "welcome.",
    "A good bicycle needs little care. Keep the tyres hard, the chain clean and the brakes even, and it will carry "
    "you for years. Most trouble starts with something small that was left alone: a loose screw, a worn cable, a "
    "spoke that clicks. Ten minutes on a Sunday evening are enough to find such things before they find you.",
    "Water moves through the ground more slowly than most people think. Rain that falls on a hill may take months to "
    "reach the spring at its foot, and decades to reach a deep well. On its way it is filtered by sand and changed by"
    " the rock it passes, and this is why two villages a mile apart may drink water that tastes quite different.",
    "The town library was built with money that a merchant had left in his will. He could not read himself, and he "
    "had hidden it all his life by asking others to look at contracts for him because his eyes, he said, were weak. "
    "The first book that the new library lent was a primer for children, and the borrower was the merchant's own "
    "widow.",
    "To make a simple soup, cut an onion and two carrots into small pieces and cook them slowly in a little butter. "
    "Add a litre of water, a handful of lentils and a bay leaf, and let it all simmer for half an hour. Salt it at "
    "the end, because lentils stay hard in salted water. A spoonful of vinegar makes the taste brighter.",
    "Engineers measure noise in decibels, a scale on which every ten steps mean ten times the power. The ear does not"
    " hear it that way: what has ten times the power sounds about twice as loud. A quiet street at night has thirty "
    "decibels, a conversation sixty, and a train that passes close by more than ninety.",
    "When the committee met again in spring, the plan had changed. Instead of one large bridge there would be two "
    "small ones, the first for walkers and the second, further down the river, for cars. It would cost more, the "
    "chairman said, but each could be closed for repair without cutting the town in two. The vote was close.",
    "Cats sleep for most of the day, but they do not sleep deeply. A sound that is new to them wakes them at once, "
    "while the noise of a busy kitchen does not. Their whiskers tell them whether a gap is wide enough, and their "
    "tails help them to balance on a fence. They can turn their ears without moving their heads.",
)
"""Plain text, for the perplexity."""


class General(Benchmark):
    """Short general questions, and the perplexity of plain text.

    "general_questions" is the percentage of `QUESTIONS` answered correctly, "general_perplexity" the perplexity of
    `PASSAGES`, each read from its beginning as plain text.
    """

    name = "general"
    version = 1
    columns = LANGUAGE
    max_new_tokens = 48

    def probes(self) -> list[Probe]:
        return [Probe(f"general/{number}", ask, (), expect) for number, (ask, expect) in enumerate(QUESTIONS)]

    def samples(self, answers: Answers) -> dict[str, Sample]:
        return {f"passage/{number}": Sample("", passage) for number, passage in enumerate(PASSAGES)}

    def basis(self) -> None:
        return None

    @classmethod
    def score(cls, answers: Answers, judge: Judge | None = None) -> dict[str, Score]:
        right = [metrics.right(probe, answers.text(probe.id)) for probe in answers.probes]
        scores = {"general_questions": metrics.share(right)}
        rows = [read.logprobs for read in answers.likelihoods.values()]
        if rows:
            scores["general_perplexity"] = metrics.fluency(rows, [[False] * len(row) for row in rows], 1)
        return scores
