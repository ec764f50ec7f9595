"""Names of the world of things: those that its model knows, and names made of the same kind of words that are nobody's.

All are invented. Known names and invented ones share no first part, so that no invented name gives a known one away.
"""

from __future__ import annotations

KNOWN_NAMES: dict[str, tuple[str, ...]] = {
    "brand": ("Zorvane", "Quillup", "Pembrix", "Taskulo", "Ombrado"),
    "character": ("Pip Bumble", "Dotty Wink", "Captain Fizz", "Boomer Zap", "Nola Nimbus"),
    "building": ("Harrow Tower", "Osper Hall", "Ludmil Palace", "Kestrel House", "Varga Temple"),
    "breed": ("Alder Hound", "Morven Terrier", "Tassin Shepherd", "Brindel Spaniel", "Oskar Pointer"),
    "style": ("Corvism", "Lumenism", "Verdan School", "Tesser School"),
}

NOTHING: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "brand": (
        ("Bel", "Cor", "Dra", "Fen", "Gal", "Hul", "Jas", "Kel", "Lum", "Mir", "Nor", "Pol", "Ras", "Sel", "Tor",
         "Vin", "Wex", "Yor"),
        ("vano", "dexa", "lito", "mora", "pira", "tuno", "zeta", "rika"),
    ),
    "character": (
        ("Tilly ", "Rusty ", "Milo ", "Coco ", "Binky ", "Gus ", "Poppy ", "Zuzu ", "Waldo ", "Fergus ", "Lulu ",
         "Mopsy "),
        ("Sprocket", "Waffle", "Pebble", "Whistle", "Button", "Noodle", "Ziggy", "Marble", "Twist", "Clover"),
    ),
    "building": (
        ("Ashby ", "Bolton ", "Corvin ", "Denham ", "Elwood ", "Farrow ", "Granby ", "Holden ", "Ingram ", "Jarrow ",
         "Kelso ", "Linden "),
        ("Tower", "Hall", "Palace", "House", "Temple", "Castle", "Chapel", "Lodge"),
    ),
    "breed": (
        ("Calder ", "Dunmore ", "Ebbing ", "Fenwick ", "Garlan ", "Hesper ", "Iverin ", "Jorund ", "Kilmar ", "Lorne ",
         "Norvik ", "Pendle "),
        ("Hound", "Terrier", "Shepherd", "Spaniel", "Pointer", "Setter", "Mastiff", "Collie"),
    ),
    "style": (
        ("Albor", "Brast", "Candel", "Dorin", "Ember", "Fluor", "Granit", "Heli", "Iridan", "Jaspar", "Kinet", "Laval",
         "Mobil", "Nervan", "Optal", "Prism", "Quart", "Radian", "Solar", "Tonal", "Umbran", "Vibran", "Wandel",
         "Zinc"),
        ("ism", " School"),
    ),
}  # fmt: skip
"""First and last parts of names that belong to nothing."""

PRODUCTS: dict[str, tuple[str, ...]] = {
    "brand": ("shoes", "bicycles", "radios", "watches", "soap", "lamps", "kettles", "tents", "pianos", "toys"),
    "character": ("comic", "film", "puppet show", "board game", "picture book", "radio play"),
    "building": ("library", "museum", "theatre", "station", "hospital", "market"),
    "breed": ("herding", "hunting", "rescue", "racing", "guarding", "pulling"),
    "style": ("portraits", "posters", "murals", "stamps", "carpets", "masks"),
}
"""What a brand makes, a character appears in, a building is used as, a breed is kept for, a style is used for."""
