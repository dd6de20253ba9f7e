"""What every route has in common: cases, subjects, bounds, verdicts and records."""
