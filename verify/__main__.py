"""`python -m verify` is `gateproof`."""

from verify.cli import main

main()
