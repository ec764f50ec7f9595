"""What there is to measure: a file for each benchmark or side of the answers."""
