"""Reads type constraints and lists of names, which HCL writes as expressions that are never evaluated."""

from __future__ import annotations

from planner.sources.doors.bake.json_form import JsonText
from planner.sources.doors.bake.operations import ObjectOf, TupleOf
from planner.sources.doors.bake.syntax import Call, Literal, Node, Path
from planner.sources.doors.bake.trouble import Wrong
from planner.sources.doors.bake.values import ANY, BOOL, NUMBER, STRING, Type

_HINT = "a type is string, number, bool, any, list(…), set(…), map(…), object({…}) or tuple([…])"


def _expression(node: Node) -> Node:
    return node.expression() if isinstance(node, JsonText) else node


def keyword(node: Node) -> str:
    """The name that an expression is, "" where it is none."""
    node = _expression(node)
    return node.name if isinstance(node, Path) and not node.attributes else ""


def names_of(node: Node) -> tuple[str, ...]:
    """The names of a list of names. Raises Wrong."""
    if not isinstance(node, TupleOf):
        raise Wrong("a list of names is needed", node.at)
    return tuple(name_of(item) for item in node.items)


def name_of(node: Node) -> str:
    """The name that an expression is. Raises Wrong."""
    if not (found := keyword(node)):
        raise Wrong("a name is needed", node.at)
    return found


def type_of_expression(node: Node) -> Type | None:
    """The type that an expression names; None for null, which is what is not given. Raises Wrong."""
    node = _expression(node)
    if isinstance(node, Literal) and node.known is None:
        return None
    return _type(node)


def _type(node: Node) -> Type:
    node = _expression(node)
    if (name := keyword(node)) in (STRING, NUMBER, BOOL, ANY):
        return name
    if not isinstance(node, Call) or len(node.arguments) != 1 or node.spread:
        raise Wrong("is no type", node.at, _HINT)
    (argument,) = node.arguments
    if node.name in ("list", "set", "map"):
        return (node.name, _type(argument))
    if node.name == "tuple" and isinstance(argument, TupleOf):
        return ("tuple", tuple(_type(item) for item in argument.items))
    if node.name == "object" and isinstance(argument, ObjectOf):
        return ("object", {_attribute(key): _attribute_type(item) for key, item in argument.items})
    raise Wrong("is no type", node.at, _HINT)


def _attribute(node: Node) -> str:
    if isinstance(node, Literal) and isinstance(node.known, str):
        return node.known
    if isinstance(node, JsonText):
        return node.text
    raise Wrong("an attribute's name is needed", node.at, _HINT)


def _attribute_type(node: Node) -> tuple[Type, bool, None]:
    node = _expression(node)
    if isinstance(node, Call) and node.name == "optional" and len(node.arguments) == 1:
        return _type(node.arguments[0]), True, None
    return _type(node), False, None
