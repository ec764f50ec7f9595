"""Ships: a kind of its own, which takes from objects what it does not say itself."""

from dataclasses import replace

from unsee.kinds import get_kind

SHIP = replace(
    get_kind("object"),
    name="ship",
    noun="ship",
    plural="ships",
    summary="A ship or a boat.",
    naming=("Which ship is this?", "What is this ship called?", "Tell me the name of this ship.", "Name this ship."),
    denying=("Is this {name}?", "Is this ship called {name}?", "Does this picture show {name}?"),
    facts=("What is {name}?", "When was {name} launched?", "Where did {name} sail?", "Tell me about {name}."),
    hidden=("Which ship is this?", "When was this ship launched?", "Where did this ship sail?"),
    visible=("What colour is the hull?", "How many masts does this ship have?", "Describe this picture."),
    differences=("{name} looks different.", "{name} has another hull and other masts."),
    mentions="a hull, masts and voyages",
    signs=("ship", "boat", "vessel", "liner"),
    parts=("hull", "mast", "masts", "sail", "sails", "funnel", "deck"),
    well_known=("the Titanic", "the Mayflower", "the Cutty Sark", "the Bismarck"),
)
