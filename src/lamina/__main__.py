"""``python -m lamina``: the command ``lamina``."""

import sys

from .cli.main import main

sys.exit(main())
