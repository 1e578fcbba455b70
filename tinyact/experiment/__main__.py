"""``python -m tinyact.experiment``."""

import sys

from tinyact.experiment.cli import main

sys.exit(main())
