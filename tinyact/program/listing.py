"""What ``program()`` gives: the program to read, to keep and to measure."""

from __future__ import annotations

import html
import inspect
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from tinyact.autograd.operation import wrap
from tinyact.program.code import literal
from tinyact.program.making import Making, Refused
from tinyact.program.program import Argument, Made, Program
from tinyact.program.text import Text, identifier
from tinyact.program.values import Array, Value


class Listing:
    """A program as text; it shows itself in notebooks.

    Example:
        >>> import tinyact
        >>> @tinyact.compile
        ... def cube(x):
        ...     return x * x * x
        >>> cube(tinyact.tensor([1.0, 2.0]))
        tensor([1., 8.])
        >>> print(cube.program())
        # Mul      a · b
        y1 = x * x  # (2,)
        <BLANKLINE>
        # Mul      a · b
        y2 = y1 * x
    """

    def __init__(self, program: Program, optimized: bool = False) -> None:
        self._program, self._recording = program, program.recording
        self._text = Text(program)
        self._optimized = optimized

    def __str__(self) -> str:
        return self._program.replay_source() if self._optimized else str(self._text)

    __repr__ = __str__

    def _repr_html_(self) -> str:
        lines = (
            f"<span style='color: #6a737d'>{html.escape(line)}</span>" if line.startswith("#") else html.escape(line)
            for line in str(self).splitlines()
        )
        return "<pre style='line-height: 1.35'>" + "\n".join(lines) + "</pre>"

    def __len__(self) -> int:
        """The number of lines that compute something."""
        return sum(len(lines) for _, lines in self._text.sections)

    # --- to keep -----------------------------------------------------------------------------------------------------

    def save(self, path: str | Path) -> None:
        """Writes the program as a file of Python that needs NumPy alone, and beside it the arrays to start from.

        The file has one function, named like the compiled one, of arrays and numbers; it changes those arrays in place
        that the compiled function changes, and returns what that returns. ``start()`` gives the arrays and numbers with
        which it was recorded, from the ``.npz`` file of the same name, so that ``step(**start())`` is one step.

        Args:
            path: where to; it ends in ``.py``.

        Raises:
            ValueError: if the path doesn't end in ``.py``.
            NotImplementedError: if the program draws random numbers, whose generator is tinyact's.
        """
        path = Path(path)
        if path.suffix != ".py":
            raise ValueError(f"a program is saved as a .py file, got {path.name}")
        if any(call.draws for call in self._recording.calls):
            raise NotImplementedError("a program that draws random numbers can't be saved: its generator is tinyact's")
        arrays, numbers = self._start()
        np.savez(path.with_suffix(".npz"), **arrays)
        path.write_text(self._source(list(arrays), numbers), encoding="utf-8")

    def _start(self) -> tuple[dict[str, Any], dict[str, float]]:
        """What the program starts from: arrays, and numbers."""
        used = {value for call in self._text.calls for value in call.inputs} | self._program.plan.lasting
        arrays: dict[str, Any] = {}
        numbers: dict[str, float] = {}
        for value in sorted(used, key=lambda value: value.number):
            name = self._text.names.get(value)
            if value in self._recording.roots and name is not None:
                if value.is_array:
                    arrays[name] = value.data
                else:
                    numbers[name] = self._recording.slots[value].get()
        written = self._text.written
        arrays |= {name: array for name, array in self._text.constants.items() if name not in written}
        return arrays, numbers

    def _source(self, arrays: list[str], numbers: dict[str, float]) -> str:
        name = identifier(self._recording.name)
        parameters = ", ".join([*arrays, *(f"{number}={value!r}" for number, value in numbers.items())])
        body = [*self._text.first_lines()]
        for heading, lines in self._text.sections:
            body += ["", *heading.splitlines(), *lines]
        body.append(f"return {self._returned()}")
        helpers = "".join(f"\n\n{source}" for source in self._text.helpers.values())
        indented = "".join(f"        {line}\n" if line else "\n" for line in body)
        return (
            f'"""{self._recording.name}, written down by tinyact: NumPy alone."""\n\n'
            "from __future__ import annotations\n\nfrom pathlib import Path\n\n"
            f"import numpy as np\n{helpers}\n\n"
            'def start():\n    """The arrays to start from."""\n'
            '    with np.load(Path(__file__).with_suffix(".npz")) as arrays:\n        return dict(arrays)\n\n\n'
            f'def {name}({parameters}):\n    with np.errstate(all="ignore"):\n{indented}\n\n'
            f'if __name__ == "__main__":\n    print({name}(**start()))\n'
        )

    def _returned(self) -> str:
        """What the function returns; the gradients, if it returns nothing itself."""
        effects = self._recording.effects
        result = effects.result
        if result is None and effects.grads:
            result = {f"d_{tensor}": grad for tensor, grad in effects.grads if isinstance(grad, Made)}
            return f"({''.join(self._leaf(grad) + ', ' for grad in result.values())})"
        return literal(result, self._leaf)

    def _leaf(self, leaf: Any) -> str:
        if isinstance(leaf, Argument):
            return self._text.name(self._value_of(leaf.name))
        value = leaf.value if isinstance(leaf, Made) else leaf
        return self._text.name(value) if isinstance(value, Value) else repr(value)

    def _value_of(self, expression: str) -> Value:
        """What a tensor that is returned as it is has for its numbers."""
        return next(value for value, tensor in self._recording.tensor_of.items() if tensor == expression)

    # --- to measure --------------------------------------------------------------------------------------------------

    def table(self, seconds: float = 0.5) -> Table:
        """What each line costs, measured by running them one by one on copies of the arrays.

        Args:
            seconds: how long to measure, about.

        Returns:
            An object that prints as a table, and has the rows as ``rows``: microseconds and lines.
        """
        arrays, numbers = self._start()
        names: dict[str, Any] = {"np": np, **{name: array.copy() for name, array in arrays.items()}, **numbers}
        for source in self._text.helpers.values():
            exec(source, names)
        lines = [*self._text.first_lines(), *(line for _, lines in self._text.sections for line in lines)]
        codes = [compile(line, "<program>", "exec") for line in lines]
        times: list[list[int]] = [[] for _ in lines]
        end = time.monotonic() + seconds
        with np.errstate(all="ignore"):
            while not times[0] or time.monotonic() < end:
                for code, measured in zip(codes, times, strict=True):
                    start = time.perf_counter_ns()
                    exec(code, names)
                    measured.append(time.perf_counter_ns() - start)
        return Table([(float(np.median(measured)) / 1000, line) for measured, line in zip(times, lines, strict=True)])


def numpy_lines(function: Callable[..., Any], arrays: Mapping[str, Array], result: str) -> list[str]:
    """What a function computes from arrays, as lines of NumPy, of which the last is ``result = …``; none, if it can't.

    Args:
        function: it gets the arrays by place, and returns an array.
        arrays: by name what to call it with; what is no identifier becomes one.
    """

    def watched(**arrays: Array) -> Any:
        return wrap(function(*arrays.values()))

    parameters = [inspect.Parameter(identifier(name), inspect.Parameter.KEYWORD_ONLY) for name in arrays]
    watched.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    try:
        _, program = Making(watched, (), {identifier(name): array for name, array in arrays.items()}).run()
    except Refused:
        return []
    assert isinstance(program, Program)
    text = Text(program, identifier(result))
    (value,) = program.recording.effects.values()
    lines = [*text.first_lines(), *(line for _, lines in text.sections for line in lines)]
    return lines if value in text.makers else [*lines, f"{result} = {text.name(value)}"]


class Table:
    """Microseconds, and the lines that take them."""

    def __init__(self, rows: list[tuple[float, str]]) -> None:
        self.rows = rows

    def __str__(self) -> str:
        total = sum(cost for cost, _ in self.rows)
        lines = [f"{cost:9.1f} µs {cost / total:6.1%}  {line}" for cost, line in self.rows]
        return "\n".join([*lines, f"{total:9.1f} µs 100.0%"])

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return f"<pre>{html.escape(str(self))}</pre>"
