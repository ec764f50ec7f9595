"""`AuditReport`: what attacks found about the concepts of a run, its form for programs, and its page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from unsee.evaluation.audit_documents import audit_to_plain
from unsee.evaluation.auditing import Audit
from unsee.reports.attack_lines import details_of
from unsee.reports.grades import Grade, RunSays, grade, grade_to_plain, words_of, worst_of

SCHEMA = "unsee.audit/1"


@dataclass(frozen=True)
class AuditReport:
    """The audits of what one run forgot.

    model: its name before unlearning. run: the folder of the run or of its adapter. audits: by concept. names: of each
    concept, to mark them in answers. notes: sentences on what was not asked about. credit: of the pictures.
    says: by concept, what the questions of the run itself say, where they are known.
    """

    model: str
    run: str
    level: str
    seed: int
    audits: Mapping[str, Audit]
    names: Mapping[str, Sequence[str]] = field(default_factory=dict)
    notes: Sequence[str] = ()
    credit: str = ""
    says: Mapping[str, RunSays] = field(default_factory=dict)
    created: str = field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="seconds"))

    @property
    def grades(self) -> dict[str, Grade]:
        return {concept: grade(audit, concept, self.says.get(concept)) for concept, audit in self.audits.items()}

    @property
    def grade(self) -> Grade:
        """That of the concept with the worst one."""
        return worst_of(self.grades.values())

    def to_dict(self) -> dict[str, Any]:
        """The content of `audit.json`, numbers still as they are."""
        return {
            "schema": SCHEMA,
            "created": self.created,
            "credit": self.credit,
            "model": self.model,
            "run": self.run,
            "level": self.level,
            "seed": self.seed,
            "grade": self.grade.name,
            "notes": list(self.notes),
            "attacks": attack_words(self.audits.values()),
            "concepts": {
                concept: {
                    **grade_to_plain(self.grades[concept]),
                    "details": details_of(audit),
                    **audit_to_plain(audit),
                }
                for concept, audit in self.audits.items()
            },
        }


def attack_words(audits: Any) -> dict[str, dict[str, str]]:
    """The title and the unit of every attack in `audits`, for readers of the JSON."""
    names = dict.fromkeys(row.attack for audit in audits for row in audit.rows)
    return {name: {"title": words_of(name).title, "unit": words_of(name).unit} for name in names}
