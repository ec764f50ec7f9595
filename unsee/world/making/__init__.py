"""The recipes that train the world's checkpoints."""
