"""What to ask and which metrics score it, one file per published benchmark."""
