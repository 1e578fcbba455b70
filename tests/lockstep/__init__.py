"""Random programs run on tinyact and PyTorch step by step; whatever one can see of the two is compared after each step.

A program is a list of lines of Python in which ``T`` is the library. `table` has a template for every kind of line and
`draw` fills it in, looking at PyTorch's side, so that most lines work; `runner` runs a line on both sides, `compare`
compares, `differences` holds what docs/differences.md names, `shrink` makes a program that differs short, and
`compiled` runs a part of a program with `tinyact.compile`.

Plain seeded randomness and a shrinker of its own instead of hypothesis: what a line may refer to depends on what the
lines before it have made, so hypothesis would draw one number after another out of the program's own state, at several
times the price of running the line, and its shrunk programs would still be drawn afresh from that state. Lines that
stand as text can be left out, and the rest stays as it is.
"""
