"""Studies, trials and evaluations in a database: numbers and strings, nothing else of ours."""

from apollo.search.store.keys import canonical_json, content_key
from apollo.search.store.store import Store
from apollo.search.store.study_row import StudyRow, StudySummary

__all__ = ["Store", "StudyRow", "StudySummary", "canonical_json", "content_key"]
