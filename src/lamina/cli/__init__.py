"""The command ``lamina``; ``python -m lamina`` is the same."""
