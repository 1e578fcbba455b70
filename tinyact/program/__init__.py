"""The training step as the NumPy program that it is: `compile`."""

from tinyact.program.compiled import Compiled, compile

__all__ = ["Compiled", "compile"]
