"""Formulas as MathML."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import pytest

from tests.autograd.test_mathematics import OWN
from tinyact.autograd.mathematics import mathematics
from tinyact.inspect.mathml import mathml


def text_of(markup: str) -> str:
    return "".join(ET.fromstring(f"<p>{markup}</p>").itertext())


@pytest.mark.parametrize("operation", OWN, ids=lambda cls: cls.__name__)
def test_every_formula_is_well_formed_and_loses_nothing(operation: type) -> None:
    own = mathematics(object.__new__(operation))
    for text in (own.formula, *own.derivatives):
        shown = text_of(mathml(text))
        # Fractions, roots and powers show these by their place.
        plain = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻ᵀᵃᵇⁿˣʸᵢⱼ", "0123456789+−Tabnxyij", " /()√^_")
        assert shown.translate(plain) == text.translate(plain)


@pytest.mark.parametrize(
    ("formula", "inside"),
    [
        ("a / b", "<mfrac><mi>a</mi><mi>b</mi></mfrac>"),
        ("∂/∂x = 2", "<mfrac><mi>∂</mi><mi>∂x</mi></mfrac><mo>=</mo><mn>2</mn>"),
        ("x²", "<msup><mi>x</mi><mrow><mn>2</mn></mrow></msup>"),
        ("xᵢ", "<msub><mi>x</mi><mrow><mi>i</mi></mrow></msub>"),
        (
            "w·(x − t) / (1 − x)",
            "<mi>w</mi><mo>·</mo><mfrac><mrow><mi>x</mi><mo>−</mo><mi>t</mi></mrow>"
            "<mrow><mn>1</mn><mo>−</mo><mi>x</mi></mrow></mfrac>",
        ),
        # A function of what is above the bar, not beside a fraction of it.
        (
            "ln(x) / 2",
            "<mfrac><mrow><mi>ln</mi><mo>(</mo><mi>x</mi><mo>)</mo></mrow><mn>2</mn></mfrac>",
        ),
        ("√x", "<msqrt><mi>x</mi></msqrt>"),
        ("a < b", "<mi>a</mi><mo>&lt;</mo><mi>b</mi>"),
    ],
)
def test_forms(formula: str, inside: str) -> None:
    assert mathml(formula) == f'<math displaystyle="true">{inside}</math>'


def test_prose_stays_prose() -> None:
    assert mathml("the gradient goes back to the old one") == "the gradient goes back to the old one"
    assert mathml("") == ""


def test_commas_are_places_to_break() -> None:
    assert mathml("min(a, b), NaN if one is").count("<math") == 1
    assert mathml("x = 1, y = 2").count("<math") == 2
