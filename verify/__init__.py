"""Evidence that equations and code are right: routes, boundaries, verdicts, reports."""
