"""Before any test imports torch: threads that wait for each other sleep, so that two workers share two cores well."""

import os

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
