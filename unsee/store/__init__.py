"""Files and folders: written whole or not at all, read with care, locked while a run is at work."""
