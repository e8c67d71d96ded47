"""`python -m actors.cli`: the command `vmrace` where it is not installed."""

import sys

from actors.cli import main

sys.exit(main())
