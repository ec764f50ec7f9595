"""How each kind of concept (a person, a character, a brand, a building, a style) is asked about and described."""
