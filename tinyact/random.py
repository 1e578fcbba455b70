"""PyTorch's stream of random numbers, in NumPy: the same seed gives the same numbers, bit for bit.

PyTorch's CPU generator is the Mersenne Twister (M. Matsumoto and T. Nishimura, 1998: "Mersenne Twister: a
623-dimensionally equidistributed uniform pseudo-random number generator"), seeded by its authors' ``init_genrand``.
NumPy has the same algorithm; what is PyTorch's own is how its 32-bit words become numbers, and that stands below.
"""

from __future__ import annotations

import functools
import math
import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from tinyact.autograd.operation import wrap
from tinyact.autograd.watch import watchers

__all__ = ["Generator", "get_rng_state", "initial_seed", "manual_seed", "seed", "set_rng_state"]

Array = np.ndarray[Any, np.dtype[Any]]

_DEFAULT_SEED = 67280421310721  # what PyTorch's generators start with when nobody seeds them


def _draw(draw: Callable[..., Array]) -> Any:
    """A method that draws, of which those who watch are told."""

    @functools.wraps(draw)
    def method(*args: Any, **options: Any) -> Array:
        numbers = draw(*args, **options)
        for watcher in watchers:
            numbers = watcher.drawn(draw, args, options, numbers)
        return numbers

    return method


class Generator:
    """A source of random numbers with a state of its own.

    Example:
        >>> import tinyact
        >>> generator = tinyact.Generator().manual_seed(0)
        >>> tinyact.rand(2, generator=generator)
        tensor([0.4963, 0.7682])
    """

    def __init__(self) -> None:
        self.manual_seed(_DEFAULT_SEED)

    def manual_seed(self, seed: int) -> Generator:
        """Starts the stream that belongs to this seed.

        Args:
            seed: any integer from −2⁶³ to 2⁶⁴ − 1; a negative one counts back from 2⁶⁴. As in PyTorch, only its low
                32 bits make a difference.

        Raises:
            ValueError: if it is out of this range.
            RuntimeError: if it is no integer.
        """
        if not isinstance(seed, (int, np.integer)):
            raise RuntimeError(f"manual_seed expected a long, but got {type(seed).__name__}")
        seed = int(seed)
        if not -(2**63) <= seed < 2**64:
            raise ValueError(f"Overflow when unpacking long long: a seed has 64 bits, got {seed}")
        self._seed = seed % 2**64
        # What follows from the seed: the source of words, and the second of a pair of normal numbers.
        self._drawn: dict[str, Any] = {}
        return self

    @property
    def _words(self) -> np.random.MT19937:
        # Made at the first draw: numpy.random takes as long to import as all of tinyact.
        if "source" not in self._drawn:
            source = np.random.MT19937()
            source._legacy_seeding(self._seed & 0xFFFFFFFF)
            return self._drawn.setdefault("source", source)  # another thread may have been first
        return self._drawn["source"]

    def initial_seed(self) -> int:
        """The seed that started this stream."""
        return self._seed

    def seed(self) -> int:
        """Starts a stream from a seed that nobody can foresee, and returns the seed."""
        import secrets

        self.manual_seed(secrets.randbits(53))
        return self._seed

    def get_state(self) -> Any:
        """Where the stream stands, as a uint8 tensor for `set_state`.

        The layout is tinyact's own, not PyTorch's: 16 bytes for the seed and the place in the block of words, 16 for
        the normal number that waits, then the 624 words.
        """
        state = self._words.state["state"]
        waiting = self._drawn.get("normal", math.nan)
        parts = ([self._seed, state["pos"]], "<u8"), ([waiting, 0.0], "<f8"), (state["key"], "<u4")
        return wrap(np.frombuffer(b"".join(np.array(*part).tobytes() for part in parts), np.uint8).copy())

    def set_state(self, new_state: Any) -> Generator:
        """Goes back to where `get_state` was called.

        Raises:
            TypeError: if it is no uint8 tensor.
            RuntimeError: if its size is not that of a state.
        """
        array = np.asarray(new_state)
        if array.dtype != np.uint8:
            raise TypeError(f"RNG state must be a torch.ByteTensor, got elements of type {array.dtype}")
        if array.shape != (32 + 4 * 624,):
            raise RuntimeError(f"RNG state is wrong size: get_state() gives 2528 elements, got shape {array.shape}")
        state = array.tobytes()
        seed, position = np.frombuffer(state[:16], "<u8").tolist()
        waiting = np.frombuffer(state[16:24], "<f8").item()
        key = np.frombuffer(state[32:], "<u4").astype(np.uint32)
        self._seed = seed
        self._words.state = {"bit_generator": "MT19937", "state": {"key": key, "pos": position}}
        self._drawn.pop("normal", None)
        if not math.isnan(waiting):
            self._drawn["normal"] = waiting
        return self

    # --- words become numbers ------------------------------------------------------------------------------------

    def _words32(self, n: int) -> Array:
        """The next n words of 32 bits."""
        return np.asarray(self._words.random_raw(n), np.uint64)

    def _words64(self, n: int) -> Array:
        """The next 2n words, in pairs: the first of a pair is the high half."""
        pairs = self._words32(2 * n).reshape(n, 2)
        return (pairs[:, 0] << np.uint64(32)) | pairs[:, 1]

    def _unit(self, n: int, dtype: Any) -> Array:
        """n numbers of [0, 1), as float64: 24 random bits each for float32, 53 for float64."""
        if dtype == np.float32:
            return (self._words32(n) & np.uint64(2**24 - 1)) * 2.0**-24
        return (self._words64(n) & np.uint64(2**53 - 1)) * 2.0**-53

    @_draw
    def uniform(self, shape: tuple[int, ...], low: float = 0.0, high: float = 1.0, dtype: Any = np.float32) -> Array:
        """Uniform in [low, high).

        Raises:
            RuntimeError: if low is larger than high, or the range overflows the dtype.
        """
        dtype = np.dtype(dtype)
        largest = float(np.finfo(dtype).max)
        if not (abs(low) <= largest and abs(high) <= largest):
            raise RuntimeError(f"uniform_ expects bounds that {dtype} holds, but got from={low}, to={high}")
        if low > high:
            raise RuntimeError(f"uniform_ expects to return a [from, to) range, but found from={low} > to={high}")
        if high - low > largest:
            raise RuntimeError(f"uniform_ expects to-from <= std::numeric_limits<{dtype}>::max(), but got {high - low}")
        low, high = float(dtype.type(low)), float(dtype.type(high))
        unit = self._unit(math.prod(shape), dtype)
        return _fused(unit, float(dtype.type(high - low)), low, dtype).reshape(shape)

    @_draw
    def normal(self, shape: tuple[int, ...], mean: float = 0.0, std: float = 1.0, dtype: Any = np.float32) -> Array:
        """Of the normal distribution: Box and Muller's transformation of uniform numbers.

        √(−2 ln u₁)·cos(2πu₂) and √(−2 ln u₁)·sin(2πu₂) are independent and standard normal. (G. E. P. Box and M. E.
        Muller, 1958: "A note on the generation of random normal deviates".)

        Raises:
            RuntimeError: if std is negative.
        """
        mean, std = mean + 0.0, std + 0.0  # numbers, of which words are none
        if not std >= 0.0:
            raise RuntimeError(f"normal expects std >= 0.0, but found std {std}")
        dtype = np.dtype(dtype)
        n = math.prod(shape)
        # PyTorch has two ways of its own, one for few numbers and one for many.
        numbers = self._few_normal(n) if n < 16 else self._many_normal(n, dtype)
        return np.asarray(numbers * dtype.type(std) + dtype.type(mean), dtype).reshape(shape)

    def _few_normal(self, n: int) -> Array:
        numbers = []
        for _ in range(n):
            waiting = self._drawn.pop("normal", None)
            if waiting is not None:
                numbers.append(waiting)
                continue
            u1, u2 = self._unit(2, np.float64).tolist()
            radius, angle = math.sqrt(-2.0 * math.log1p(-u2)), 2.0 * math.pi * u1
            numbers.append(radius * math.cos(angle))
            self._drawn["normal"] = radius * math.sin(angle)
        return np.array(numbers, np.float64)

    def _many_normal(self, n: int, dtype: Any) -> Array:
        """Blocks of 16: the first 8 uniform numbers give radii, the last 8 angles."""
        unit = self._unit(n, dtype).astype(dtype)
        result = np.empty_like(unit)
        whole = n - n % 16
        result[:whole] = _box_muller(unit[:whole])
        if n % 16:  # the last 16 are drawn anew and overlap the block before
            result[-16:] = _box_muller(self._unit(16, dtype).astype(dtype))
        return result

    @_draw
    def integers(self, low: int, high: int, shape: tuple[int, ...]) -> Array:
        """Integers in [low, high), as int64: the word's remainder by high − low.

        Raises:
            RuntimeError: if there is no integer in this range.
        """
        low, high = operator.index(low), operator.index(high)
        if low >= high:
            raise RuntimeError(f"random_ expects 'from' to be less than 'to', but got from={low} >= to={high}")
        n, span = math.prod(shape), high - low
        words = self._words32(n) if span < 2**28 else self._words64(n)
        return ((words % np.uint64(span)).astype(np.int64) + low).reshape(shape)

    @_draw
    def permutation(self, n: int) -> Array:
        """0 … n − 1 in random order, as int64: each place swaps with one at or after it."""
        order = list(range(n))
        for i, word in enumerate(self._words32(max(n - 1, 0)).tolist()):
            j = i + word % (n - i)
            order[i], order[j] = order[j], order[i]
        return np.array(order, np.int64)


def _fused(x: Array, factor: float, summand: float, dtype: np.dtype[Any]) -> Array:
    """x · factor + summand with one rounding, as PyTorch's processor instruction has it (a fused multiply-add)."""
    if dtype == np.float32:
        # float64 holds the exact product, and nearly always the exact sum, of float32 numbers.
        return np.asarray(x * factor + summand, dtype)
    # T. J. Dekker, 1971, and D. E. Knuth, 1969: product and sum, each as a float64 and what rounding it lost.
    product = x * factor
    (x1, x2), (f1, f2) = _halves(x), _halves(np.float64(factor))
    lost = ((x1 * f1 - product) + x1 * f2 + x2 * f1) + x2 * f2
    total = product + summand
    rest = total - product
    return np.asarray(total + (((product - (total - rest)) + (summand - rest)) + lost))


def _halves(x: Any) -> tuple[Any, Any]:
    """Two numbers of half the digits that add up to x, so that their products are exact."""
    scaled = x * (2.0**27 + 1)
    high = scaled - (scaled - x)
    return high, x - high


def _box_muller(unit: Array) -> Array:
    blocks = unit.reshape(-1, 16)
    one = unit.dtype.type(1)
    radius = np.sqrt(-2 * np.log(one - blocks[:, :8]))  # 1 − u is never 0
    angle = unit.dtype.type(2 * math.pi) * blocks[:, 8:]
    return np.concatenate([radius * np.cos(angle), radius * np.sin(angle)], axis=1).reshape(-1)


default_generator = Generator()


def manual_seed(seed: int) -> Generator:
    """Seeds the generator that every function uses unless it is given one; see `Generator.manual_seed`.

    Example:
        >>> import tinyact
        >>> _ = tinyact.manual_seed(7)
        >>> tinyact.rand(3)
        tensor([0.5349, 0.1988, 0.6592])
    """
    return default_generator.manual_seed(int(seed))


def initial_seed() -> int:
    """The seed of the default generator."""
    return default_generator.initial_seed()


def seed() -> int:
    """Seeds the default generator from a number that nobody can foresee, and returns it."""
    return default_generator.seed()


def get_rng_state() -> Any:
    """Where the default generator stands; see `Generator.get_state`."""
    return default_generator.get_state()


def set_rng_state(new_state: Any) -> None:
    """Puts the default generator back to where `get_rng_state` was called."""
    default_generator.set_state(new_state)
