"""Two of a kind, stage by stage: what differs, the largest differences first."""
