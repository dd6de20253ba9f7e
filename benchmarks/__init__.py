"""Baselines that the speed of the generated code is measured against; never a timed test."""
