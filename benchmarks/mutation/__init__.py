"""Can a wrong derivative get past the tests? Formulas changed one place at a time."""
