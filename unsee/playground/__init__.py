"""A page to ask the model of a run, before and after unlearning side by side."""
