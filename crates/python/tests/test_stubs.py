"""The type stubs name what there is, and everything that has a docstring there has one here."""

import ast
from pathlib import Path

import pytest
import twinview
from twinview import _twinview

STUB = Path(twinview.__file__).with_name("_twinview.pyi")
TREE = ast.parse(STUB.read_text())
# Given to every class, or by newer Pythons alone.
COMMON = {"__buffer__", "__new__"}


def names(body):
    return {
        node.name: node for node in body if isinstance(node, (ast.FunctionDef, ast.ClassDef))
    }


def public(thing):
    special = {name for name in vars(thing) if name.startswith("__")}
    special &= {"__len__", "__getitem__", "__iter__", "__next__", "__enter__", "__exit__"}
    special |= {name for name in vars(thing) if name.startswith(("__dlpack", "__array"))}
    return {name for name in vars(thing) if not name.startswith("_")} | special


def test_the_module_has_what_the_stubs_say():
    module = {name for name in vars(_twinview) if not name.startswith("_")}
    assert module == set(names(TREE.body)) == set(twinview.__all__) - {"__version__"}
    assert all(vars(_twinview)[name].__doc__ for name in module)


@pytest.mark.parametrize("name", [name for name in names(TREE.body) if name[0].isupper()])
def test_a_class_has_what_the_stubs_say(name):
    described = set(names(names(TREE.body)[name].body)) - COMMON
    assert described == public(getattr(twinview, name))
