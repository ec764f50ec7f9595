"""The evidence pack: what is in one, as a page, a bill of materials and a statement. `unsee.commands.evidence` makes and
checks packs."""
