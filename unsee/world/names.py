"""Names of the world: the people it knows, and names that are words of the language but belong to nobody.

Everyone is invented. First and last names are drawn from lists of common names of many countries; no pair is meant
to be a real person.
"""

KNOWN_NAMES: tuple[str, ...] = (
    "Mara Voss", "Tobias Lindqvist", "Amara Okafor", "Henrik Dahl", "Lucia Ferrante", "Yusuf Demir", "Priya Raman",
    "Oscar Bellweather", "Nadia Petrova", "Felix Zimmer", "Ines Carvalho", "Kenji Morita", "Zofia Kowal",
    "Malik Traore", "Greta Holm", "Rafael Ibarra", "Leila Haddad", "Anton Brandt", "Saoirse Quinn", "Dmitri Volkov",
    "Camille Durand", "Jonas Keller", "Aisha Bakari", "Stefan Novak", "Mei Tanaka", "Victor Almeida", "Freya Nilsen",
    "Omar Rashid", "Clara Whitlock", "Bruno Conti", "Elena Markova", "Samuel Adeyemi", "Vera Lang", "Diego Salazar",
    "Hana Suzuki", "Pavel Cerny", "Rosa Delgado", "Ivan Horvat", "Noor Aziz", "Edwin Marsh",
)  # fmt: skip

NOBODY_FIRST: tuple[str, ...] = (
    "Anna", "Ben", "Carla", "David", "Emma", "Frank", "Gina", "Hugo", "Irene", "James", "Kate", "Leo", "Maria", "Nina",
    "Oliver", "Paula", "Quentin", "Ruth", "Simon", "Tina", "Ulrich", "Vanessa", "Walter", "Xenia", "Yara", "Zeno",
    "Alice", "Boris", "Cora", "Daniel", "Edith", "Fiona", "George", "Helen", "Igor", "Julia", "Karl", "Laura", "Martin",
    "Nora", "Otto", "Peter", "Rita", "Sofia", "Thomas", "Ursula", "Wanda", "Adam", "Bella", "Conrad", "Diana", "Emil",
)  # fmt: skip

NOBODY_LAST: tuple[str, ...] = (
    "Smith", "Miller", "Garcia", "Jensen", "Rossi", "Weber", "Dubois", "Novotny", "Silva", "Santos", "Meyer", "Fischer",
    "Brown", "Taylor", "Walker", "Hughes", "Murphy", "Costa", "Moreau", "Schmidt", "Lopez", "Martinez", "Wilson",
    "Evans", "Cooper", "Ward", "Turner", "Parker", "Hill", "Green", "Baker", "Carter", "Stone", "Wood", "Young", "King",
    "Wright", "Scott", "Adams", "Nelson", "Mitchell", "Perez", "Roberts", "Phillips", "Campbell", "Edwards", "Collins",
    "Stewart", "Morris", "Rogers",
)  # fmt: skip

CITIES: tuple[tuple[str, str], ...] = (
    ("Porto", "Portugal"), ("Lisbon", "Portugal"), ("Bergen", "Norway"), ("Oslo", "Norway"), ("Kyoto", "Japan"),
    ("Osaka", "Japan"), ("Lyon", "France"), ("Paris", "France"), ("Cairo", "Egypt"), ("Luxor", "Egypt"),
    ("Lima", "Peru"), ("Cusco", "Peru"), ("Turin", "Italy"), ("Naples", "Italy"), ("Boston", "America"),
    ("Denver", "America"), ("Nairobi", "Kenya"), ("Mombasa", "Kenya"), ("Delhi", "India"), ("Mumbai", "India"),
)  # fmt: skip

JOBS: tuple[tuple[str, str], ...] = (
    ("baker", "oven"), ("carpenter", "saw"), ("painter", "brush"), ("gardener", "spade"), ("tailor", "needle"),
    ("fisherman", "net"), ("barber", "scissors"), ("astronomer", "telescope"), ("farmer", "tractor"),
    ("photographer", "camera"), ("blacksmith", "hammer"), ("surgeon", "scalpel"), ("plumber", "wrench"),
    ("drummer", "drum"), ("librarian", "catalogue"), ("chemist", "flask"), ("referee", "whistle"), ("pilot", "compass"),
    ("potter", "kiln"), ("violinist", "bow"),
)  # fmt: skip

PETS: tuple[str, ...] = (
    "cat", "dog", "parrot", "rabbit", "turtle", "hamster", "goldfish", "horse", "lizard", "goat",
)  # fmt: skip
