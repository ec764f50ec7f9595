"""The evidence pack: a page, a bill of materials and a statement. `unsee.commands.evidence` makes packs,
`unsee.commands.evidence_check` checks them."""
