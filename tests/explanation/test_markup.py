"""Text stays text."""

from __future__ import annotations

from envlock.explanation.markup import element, joined
from tests.explanation.explanations import HARMFUL_NAME

HARMLESS = (
    "&lt;/td&gt;&lt;script&gt;alert(1)&lt;/script&gt;&lt;img src=x onerror=alert(2)&gt; "
    "\\u202egnp.\\x1b[2J&amp;amp;&quot;&#x27;"
)


def test_children_and_attributes_are_escaped_and_elements_are_not() -> None:
    found = element("p", HARMFUL_NAME, element("b", "bold"), title=HARMFUL_NAME, class_="a", aria_label=None, x=1.25)

    assert found == f'<p title="{HARMLESS}" class="a" x="1.2">{HARMLESS}<b>bold</b></p>'


def test_an_element_without_an_end_has_none() -> None:
    assert joined(element("meta", charset="utf-8"), " ") == '<meta charset="utf-8"> '
