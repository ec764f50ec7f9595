"""What no pack can show, in plain words: on its page and in its bill of materials. No legal advice.

Sources: Regulation (EU) 2016/679 (GDPR), Article 17; EDPB, Opinion 28/2024 on certain data protection aspects related
to the processing of personal data in the context of AI models, adopted on 17 December 2024.
"""

from __future__ import annotations

LIMITS: tuple[tuple[str, str], ...] = (
    (
        "Unlearning is not deletion of the training data.",
        "The weights of the model were changed so that it no longer gives the answers that were tested. The pictures "
        "and texts that it was once trained on, copies of them, backups and logs are untouched. The run itself keeps "
        "the request and training data made from it.",
    ),
    (
        "The result is not a model trained without the data.",
        "Only training again without the data gives that. Traces may remain in the weights that no question in this "
        "pack has reached.",
    ),
    (
        "Passing the tests does not prove that nothing can bring it back.",
        "Each figure is about the questions, pictures and attacks that are listed, with its interval. Others may find "
        "what these did not.",
    ),
    (
        "It covers these weights only.",
        "Whoever holds the model as it was before, or loads it without what was learned here, has the model that "
        "still knows. Caches, search indexes, prompts and other systems around a model can name the concept, too.",
    ),
    (
        "The pack is the word of the party that made it.",
        "Hashes show that nothing was changed afterwards, a signature which key vouches for it. They do not show that "
        "the tests were run honestly; whoever has the weights can run them again.",
    ),
)

LAW: tuple[tuple[str, str], ...] = (
    (
        "GDPR, Article 17",
        "A person can ask a controller to erase personal data about them without undue delay where one of the grounds "
        "in paragraph 1 applies; paragraph 3 lists exceptions. A controller that made the data public must also take "
        "reasonable steps, considering available technology and cost, to inform other controllers (paragraph 2). The "
        "article speaks of personal data; it mentions neither models nor unlearning.",
    ),
    (
        "EDPB Opinion 28/2024, adopted on 17 December 2024",
        "The European Data Protection Board says that models trained on personal data cannot in all cases be "
        "considered anonymous, and that authorities look at each case. For a model to be anonymous, it must be very "
        "unlikely that personal data of the people whose data it was developed with can be extracted from it, and "
        "also that queries bring such data out, by intent or not, counting all means reasonably likely to be used. "
        "Tests against attacks, and their documentation, are among what authorities look at. This pack is about one "
        "concept in one model, so it does not show that a model is anonymous.",
    ),
)
"""What the sources say, in our own words."""
NO_ADVICE = (
    "These are references for readers, not legal advice. Whether a request is fulfilled is for the controller to judge."
)
