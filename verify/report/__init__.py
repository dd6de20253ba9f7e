"""Reports: a page of Markdown for each cell, an index, and what was measured on one machine.

Outside `measured/` nothing depends on the machine: a page says what holds and how it was
established, and is the same byte for byte wherever it is made.
"""
