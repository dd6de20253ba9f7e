"""Programs that use gateproof's generated cells, run from the root of the repository."""
