"""The world of things: brands, characters, buildings, breeds and styles, drawn from seeds."""
