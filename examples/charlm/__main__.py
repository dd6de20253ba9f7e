"""`python -m examples.charlm`."""

from examples.charlm.cli import main

main()
