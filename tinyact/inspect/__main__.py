"""``python -m tinyact.inspect``."""

import sys

from tinyact.inspect.cli import main

sys.exit(main())
