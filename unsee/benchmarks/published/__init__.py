"""The field's benchmarks as they are published: a reader for each, and one way to ask and score them all.

A new one is a file here with a subclass of `Published`, and a line in `unsee.benchmarks`.
"""
