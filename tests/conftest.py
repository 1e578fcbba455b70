"""Settings for all tests."""

from hypothesis import settings

# The same examples every time, so that a failure is the change's and not the day's; ``--hypothesis-profile=search``
# looks for new ones. No deadline: the machine may be busy.
settings.register_profile("repeatable", deadline=None, derandomize=True, max_examples=60)
settings.register_profile("search", deadline=None, max_examples=1000)
settings.load_profile("repeatable")
