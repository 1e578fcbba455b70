"""What stands in a step: names, numbers, shapes, dimensions and indices, drawn to fit what the program has made."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from random import Random
from typing import Any

import torch

SHAPES = [(), (), (1,), (2,), (3,), (3,), (4,), (0,), (2, 3), (2, 3), (3, 2), (3, 3), (1, 3), (2, 1), (2, 0), (2, 1, 3)]
SHAPES += [(2, 3, 2), (1, 2, 3)]
FLOATS, INTEGERS = ["T.float32", "T.float64"], ["T.int64", "T.int32", "T.uint8", "T.bool", "T.int8", "T.int16"]
SPECIAL = ["inf", "-inf", "nan", "-0.0", "0.0", "1e30", "1e-40"]
# Rounding is compared within one step; numbers beyond this are left alone, so that it doesn't grow in one.
TAME = 64.0


class Unavailable(Exception):
    """The program has nothing that such a step could refer to."""


class Arguments(dict[str, str]):
    """The arguments of one step by placeholder, drawn when they are first asked for.

    What is named ``{dim}``, ``{index}`` … fits the subject: the first tensor that was drawn for the step. A digit after
    a placeholder's name makes it another one of its kind.
    """

    def __init__(self, random: Random, names: dict[str, Any], fresh: str) -> None:
        super().__init__(new=fresh)
        self.random, self.names = random, names
        self.subject: Any = None

    def __missing__(self, placeholder: str) -> str:
        kind = placeholder.rstrip("0123456789")
        text: str
        if kind in TENSORS:
            text, tensor = self.tensor(TENSORS[kind], only_names=kind == "named")
            self.subject = tensor if self.subject is None else self.subject
        elif kind in CHOICES:
            text = self.random.choice(CHOICES[kind]).format_map(self)
        else:
            text = getattr(self, kind)()
        self[placeholder] = text
        return text

    def chance(self, probability: float) -> bool:
        return self.random.random() < probability

    def those(self, kind: Any) -> list[str]:
        """The names of things of a kind."""
        return [name for name, value in self.names.items() if isinstance(value, kind)]

    def one(self, kind: Any) -> str:
        """The name of one of them."""
        names = self.those(kind)
        if not names:
            raise Unavailable
        return self.random.choice(names)

    def tensors(self) -> Iterator[tuple[str, Any]]:
        """The tensors that a step may use: named ones, in a tuple, as a gradient, of a module."""
        for name, value in self.names.items():
            if isinstance(value, torch.Tensor):
                yield name, value
                if value.is_leaf and value.grad is not None and self.chance(0.3):
                    yield f"{name}.grad", value.grad
            elif isinstance(value, (tuple, list)):
                for i, part in enumerate(value):
                    if isinstance(part, torch.Tensor):
                        yield f"{name}[{i}]", part
            elif isinstance(value, torch.nn.Module) and self.chance(0.3):
                for path, part in value.named_parameters():
                    if "." not in path:
                        yield f"{name}.{path}", part

    def tensor(self, fits: Callable[[Any], Any], only_names: bool = False) -> tuple[str, Any]:
        pool = [(text, t) for text, t in self.tensors() if fits(t) and (text.isidentifier() or not only_names)]
        pool = [pair for pair in pool if self.chance(0.02) or is_tame(pair[1])] or pool
        if not pool:
            raise Unavailable
        return self.random.choice(pool[-4:] if self.chance(0.5) else pool)

    # --- what fits the subject -------------------------------------------------------------------------------------

    def other(self) -> str:
        """A second operand: a tensor that broadcasts, mostly; a number; or any tensor."""
        shape = self.subject.shape
        if self.chance(0.3):
            return self["number"]
        return self.tensor((lambda t: True) if self.chance(0.05) else lambda t: broadcasts(t.shape, shape))[0]

    def operand(self) -> str:
        """A tensor that broadcasts with the subject."""
        return self.tensor(
            (lambda t: True) if self.chance(0.05) else lambda t: broadcasts(t.shape, self.subject.shape)
        )[0]

    def twin(self) -> str:
        """A tensor of the subject's shape."""
        return self.tensor(lambda t: t.shape == self.subject.shape)[0]

    def factor(self) -> str:
        """What a matrix can be multiplied with."""
        n = self.subject.shape[-1:]
        return self.tensor((lambda t: True) if self.chance(0.1) else lambda t: t.ndim and t.shape[-2:][:1] == n)[0]

    def weight(self) -> str:
        """Weights of a linear map of the subject."""
        return self.tensor(lambda t: t.ndim == 2 and t.shape[1:] == self.subject.shape[-1:])[0]

    def module_for(self) -> str:
        """A module whose input the subject can be."""
        n = self.subject.shape[-1]
        fitting = [name for name in self.those(torch.nn.Module) if width(self.names[name]) in (None, n)]
        if not fitting:
            raise Unavailable
        return self.random.choice(fitting)

    def dim(self) -> str:
        n = max(self.subject.ndim, 1)
        return str(self.random.randrange(-n, n) if self.chance(0.96) else self.random.choice([n, -n - 1]))

    def dims(self) -> str:
        if self.chance(0.4):
            return self.random.choice([self.dim(), self.dim(), "None", "()"])
        dims = self.random.sample(range(self.subject.ndim), self.random.randint(0, self.subject.ndim))
        return repr(tuple(dims) if self.chance(0.5) else list(dims))

    def order(self) -> str:
        return repr(tuple(self.random.sample(range(self.subject.ndim), self.subject.ndim)))

    def sizes(self) -> str:
        """Another shape with as many elements, sometimes with −1 in it."""
        rest, sizes = self.subject.numel(), []
        for n in (self.random.choice([1, 2, 3, 4]) for _ in range(self.random.randint(0, 2))):
            if rest and rest % n == 0:
                sizes.append(n)
                rest //= n
        sizes.insert(self.random.randint(0, len(sizes)), rest if self.chance(0.6) else -1)
        return repr(tuple(sizes))

    def expanded(self) -> str:
        """A shape to which the subject can be expanded."""
        sizes = [self.random.choice([1, 2, 3]) if n == 1 else self.random.choice([n, -1]) for n in self.subject.shape]
        return repr((*[self.random.choice([1, 2])] * self.random.randint(0, 1), *sizes))

    def index(self) -> str:
        """An index of the subject, of any kind."""
        shape = self.subject.shape
        if shape == () or self.chance(0.06):
            return self.random.choice(["None", "...", "()", "True", "False", "0", "T.tensor(True)"])
        parts = [self.part(n) for n in shape[: self.random.randint(1, len(shape))]]
        if self.chance(0.15):
            parts.insert(self.random.randint(0, len(parts)), self.random.choice(["None", "..."]))
        if self.chance(0.12):
            masks = [text for text, t in self.tensors() if t.shape == shape and t.dtype == torch.bool]
            return self.random.choice([*masks, f"{self.tensor(lambda t: t.shape == shape)[0]} > 0"])
        return ", ".join(parts)

    def part(self, n: int) -> str:
        """An index of one dimension."""
        kind = self.random.choice(["int", "int", "slice", "slice", "slice", "all", "list", "tensor", "mask"])
        if kind == "int":
            return str(self.random.randrange(-n, n) if n and self.chance(0.97) else n)
        if kind == "slice":
            a, b = self.random.choice(["", "", "0", "1", "-1"]), self.random.choice(["", "", "2", "-1", "9"])
            return f"{a}:{b}{self.random.choice(['', '', '', ':2'])}"
        places = [self.random.randrange(-n, n) for _ in range(2)] if n else []
        if kind == "list" and places:
            return repr(places)
        if kind == "tensor" and places:
            return f"T.tensor({places}{self.random.choice(['', ', dtype=T.int32'])})"
        if kind == "mask" and n:
            return f"T.tensor({[self.chance(0.5) for _ in range(n)]})"
        return ":"

    def upstream(self) -> str:
        """A gradient for the subject."""
        if self.subject.numel() == 1 and self.chance(0.6):
            return "None"
        fitting = [text for text, t in self.tensors() if t.shape == self.subject.shape and is_tame(t)]
        if fitting and self.chance(0.4):
            return self.random.choice(fitting)
        return literal(self.random, tuple(self.subject.shape), self.dtype_of(self.subject), special=False)

    def classes(self) -> str:
        """Targets for the subject as logits."""
        shape = tuple(self.subject.shape)
        count = shape[min(1, len(shape) - 1)] if shape else 1
        rest = shape[:1] + shape[2:] if len(shape) > 1 else ()
        numbers = [self.random.randrange(max(count, 1)) for _ in range(math.prod(rest))]
        return f"T.tensor({nested(numbers, rest)}, dtype=T.int64)"

    def dtype_of(self, tensor: Any) -> str:
        return str(tensor.dtype).replace("torch", "T")

    # --- what stands alone -----------------------------------------------------------------------------------------

    def literal(self) -> str:
        dtype = self.random.choice(FLOATS if self.chance(0.7) else INTEGERS)
        return literal(
            self.random, self.random.choice(SHAPES), dtype, self.chance(0.1), dtype in FLOATS and self.chance(0.6)
        )

    def shape(self) -> str:
        return repr(self.random.choice(SHAPES))

    def number(self) -> str:
        if self.chance(0.08):
            return self.random.choice([*SPECIAL, "300", "-1e30", "True", "False", "np.float64(0.5)"])
        return self.random.choice(["0", "1", "2", "3", "-1", "0.5", "-0.25", "1.5", "2.0", "-2"])

    def leaves(self) -> str:
        return ", ".join({self.tensor(TENSORS["leaf"])[0] for _ in range(self.random.randint(1, 2))})

    def sources(self) -> str:
        return ", ".join(self.tensor(TENSORS["g"])[0] for _ in range(self.random.randint(1, 2)))

    def inputs(self) -> str:
        return "None" if self.chance(0.8) else f"[{self.sources()}]"

    def parts(self) -> str:
        """Tensors to be joined with the subject."""
        return ", ".join(self.operand() for _ in range(self.random.randint(0, 2)))

    def module(self) -> str:
        return self.one(torch.nn.Module)

    def optimizer(self) -> str:
        return self.one(torch.optim.Optimizer)

    def name(self) -> str:
        return self.one(object)


def literal(
    random: Random, shape: tuple[int, ...], dtype: str, special: bool = False, requires_grad: bool = False
) -> str:
    """A tensor written out: of quarters, with which float32 computes exactly as long as it adds and multiplies."""
    count = math.prod(shape)
    if dtype in FLOATS:
        numbers: list[Any] = [random.randint(-8, 8) / 4 for _ in range(count)]
        if special and count:
            numbers[random.randrange(count)] = Bare(random.choice(SPECIAL))
    elif dtype == "T.bool":
        numbers = [random.random() < 0.5 for _ in range(count)]
    else:
        numbers = [random.randint(0 if dtype == "T.uint8" else -3, 4) for _ in range(count)]
    return f"T.tensor({nested(numbers, shape)}, dtype={dtype}{', requires_grad=True' if requires_grad else ''})"


class Bare(str):
    """A number as it is written."""

    __repr__ = str.__str__


def nested(numbers: list[Any], shape: tuple[int, ...]) -> Any:
    """The numbers in lists of these lengths."""
    if not shape:
        return numbers[0]
    size = math.prod(shape[1:])
    return [nested(numbers[i * size : (i + 1) * size], shape[1:]) for i in range(shape[0])]


def is_tame(tensor: Any) -> bool:
    """Whether no number is so large that rounding could be taken for a difference."""
    if not tensor.is_floating_point() or not tensor.numel():
        return True
    sizes = tensor.detach().abs()
    return bool(((sizes <= TAME) | ~sizes.isfinite()).all())


def broadcasts(a: Any, b: Any) -> bool:
    return all(n == m or 1 in (n, m) for n, m in zip(reversed(a), reversed(b), strict=False))


def width(module: Any) -> int | None:
    """The last size of a module's input; None if it takes any."""
    parts = [part for part in module.modules() if isinstance(part, torch.nn.Linear)]
    return parts[0].in_features if parts else None


TENSORS: dict[str, Callable[[Any], Any]] = {
    "x": lambda t: True,
    "f": lambda t: t.is_floating_point(),
    "i": lambda t: not t.is_floating_point(),
    "wide": lambda t: t.ndim,
    "matrix": lambda t: t.ndim == 2,
    "vector": lambda t: t.is_floating_point() and t.ndim,
    "scores": lambda t: t.is_floating_point() and t.ndim in (1, 2) and t.numel(),
    "single": lambda t: t.numel() == 1,
    "g": lambda t: t.requires_grad,
    "leaf": lambda t: t.requires_grad and t.is_leaf,
    "result": lambda t: t.requires_grad and not t.is_leaf,
    "target": lambda t: not (t.requires_grad and t.is_leaf),
    "named": lambda t: not (t.requires_grad and t.is_leaf),
    "free": lambda t: t.is_leaf and t.is_floating_point(),
}

CHOICES = {
    "flag": ["True", "False"],
    "dtype": [*FLOATS, *FLOATS, *INTEGERS],
    "floating": FLOATS,
    "n": ["2", "3"],
    "count": ["0", "1", "2", "5"],
    "reduction": ["'mean'", "'sum'", "'none'"],
}
