"""The generated functions as they read, with places for what depends on the cell.

`{name}` is replaced within its line; a line that is only `<name>` by lines of its own.
"""
