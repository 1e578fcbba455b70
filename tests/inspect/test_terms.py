"""The single products that an entry of a matrix product is the sum of."""

from __future__ import annotations

import base64
from typing import Any

import numpy as np
import pytest

import tinyact
from tinyact.inspect import trace
from tinyact.inspect.followed import Followed
from tinyact.inspect.page import terms_of


def decoded(content: dict[str, Any]) -> dict[str, Any]:
    kinds = {"index": np.uint32, "zeros": np.uint32}
    real = np.float64 if content["wide"] else np.float32
    return {
        name: np.frombuffer(base64.b64decode(text), kinds.get(name, real)) for name, text in content["arrays"].items()
    }


def linear() -> tuple[Any, dict[str, Any]]:
    x, w = tinyact.randn(7, 3, requires_grad=True), tinyact.randn(2, 3, requires_grad=True)
    return tinyact.nn.functional.linear(x, w).square().sum(), {"x": x, "w": w}


def matmul() -> tuple[Any, dict[str, Any]]:
    a, b = tinyact.randn(4, 3, requires_grad=True), tinyact.randn(3, 5, requires_grad=True)
    return (a @ b).square().sum(), {"a": a, "b": b}


@pytest.mark.parametrize("program", [linear, matmul])
def test_every_entry_is_the_sum_of_its_products(program: Any) -> None:
    loss, named = program()
    of = trace(loss, names=named)
    followed, count = Followed(of), 0
    for step in of.steps:
        for sent in step.sent:
            content = terms_of(step, sent, of, followed)
            if content is None:
                continue
            count += 1
            assert content["places"] is None
            arrays = decoded(content)
            np.testing.assert_array_equal(arrays["total"], sent.array.reshape(-1))
            products = arrays["left"].astype(float) * arrays["right"]
            sums = products.reshape(-1, content["shown"]).sum(1) + arrays["rest"]
            np.testing.assert_allclose(sums, arrays["total"], rtol=1e-5, atol=1e-6)
            # The largest first, and no other is larger than the last that is shown.
            sizes = np.abs(products.reshape(-1, content["shown"]))
            assert (np.diff(sizes) <= 0).all()
            assert (np.abs(arrays["rest"]) <= (content["count"] - content["shown"]) * sizes[:, -1] + 1e-6).all()
    assert count == 2


def test_only_matrix_products_have_them() -> None:
    x = tinyact.randn(3, 3, requires_grad=True)
    of = trace((x * x).sum(), names={"x": x})
    assert all(terms_of(step, sent, of, Followed(of)) is None for step in of.steps for sent in step.sent)


def test_of_a_large_matrix_the_largest_entries_and_the_corner() -> None:
    x, w = tinyact.randn(3, 60), tinyact.randn(50, 60, requires_grad=True)
    of = trace((x @ w.T).square().sum(), names={"x": x, "w": w})
    followed = Followed(of)
    step, sent = next((s, t) for s in of.steps for t in s.sent if terms_of(s, t, of, followed))
    content = terms_of(step, sent, of, followed)
    size = np.abs(sent.array)
    held = set(content["places"])
    assert set(np.argsort(-size, axis=None)[:100].tolist()) <= held
    assert {i * size.shape[1] + j for i in range(5) for j in range(4)} <= held
    assert content["start"] == [*np.unravel_index(size.argmax(), size.shape)]
