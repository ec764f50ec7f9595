"""What can be measured: a file for each benchmark or aspect of the answers."""
