"""What tinyact is measured by: three programs, each with its results beside it."""
