"""What a report shows beyond the trials, computed when a study ends and stored as rows."""
