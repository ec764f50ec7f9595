"""Look-alike, a method of our own (`method.py`): its settings, its training data and its loss."""
