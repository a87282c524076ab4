"""A small GraphQL server: parse and validate by the schema, then project plain Python data.

Execution follows the selection only; it is an order of magnitude quicker than a general
executor, since nothing here is asynchronous and every value is already there.

The cost of a query is estimated before it runs: an object costs 1, a mutation 10, a
connection 2 plus its children times the square root of its size. The published rule says
that connections are sized by `first` and `last`; the square root stands for its discount.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from math import ceil, sqrt
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLSchema,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
    Undefined,
    build_schema,
    get_named_type,
    is_abstract_type,
    is_composite_type,
    parse,
    validate,
    value_from_ast_untyped,
)
from graphql.execution.values import get_variable_values

Resolve = Callable[..., Any]


class Refused(Exception):
    """A document the server does not run. `errors` are as GraphQL answers them."""

    def __init__(self, errors: list[dict[str, Any]]):
        super().__init__(errors[0]["message"])
        self.errors = errors


@dataclass(frozen=True)
class Step:
    """One field to project. `kind` is the composite type it leads to, None for a leaf."""

    key: str
    name: str
    resolve: Resolve | None
    args: dict[str, Any]
    kind: Any
    inner: tuple[SelectionSetNode, ...]


class Server:
    """A schema, and how its fields are found: resolvers[type][field](value, args); the
    arguments of a directive stand among them under @name."""

    def __init__(self, sdl: str, resolvers: dict[str, dict[str, Resolve]]):
        self.schema: GraphQLSchema = build_schema(sdl)
        self.resolvers = resolvers
        self._document = lru_cache(maxsize=256)(self._checked)

    def _checked(self, text: str) -> DocumentNode:
        try:
            document = parse(text)
        except GraphQLError as e:
            raise Refused([{"message": e.message}]) from None
        faults = validate(self.schema, document)
        if faults:
            raise Refused([{"message": x.message} for x in faults])
        return document

    def prepare(self, text: str, variables: dict[str, Any], name: str | None) -> "Run":
        """Return an operation ready to be weighed and run. Raises Refused."""
        document = self._document(text)
        operations = [x for x in document.definitions if isinstance(x, OperationDefinitionNode)]
        chosen = [x for x in operations if name is None or (x.name and x.name.value == name)]
        if len(chosen) != 1:
            raise Refused([{"message": "An operation name is required"}])
        found = get_variable_values(self.schema, chosen[0].variable_definitions or (), variables)
        if isinstance(found, list):
            raise Refused([{"message": x.message} for x in found])
        fragments = {
            x.name.value: x for x in document.definitions if isinstance(x, FragmentDefinitionNode)
        }
        return Run(self, chosen[0], fragments, found)


class Run:
    """One operation with its variables."""

    def __init__(
        self,
        server: Server,
        operation: OperationDefinitionNode,
        fragments: dict[str, FragmentDefinitionNode],
        variables: dict[str, Any],
    ):
        self.server = server
        self.operation = operation
        self.fragments = fragments
        self.variables = variables
        self._plans: dict[tuple[Any, str], list[Step]] = {}

    @property
    def writes(self) -> bool:
        return self.operation.operation.value == "mutation"

    @property
    def _root(self) -> GraphQLObjectType:
        schema = self.server.schema
        root = schema.mutation_type if self.writes else schema.query_type
        assert root is not None
        return root

    def data(self) -> dict[str, Any]:
        """Return the data of the operation."""
        return self._project(self._root, (self.operation.selection_set,), None)

    def cost(self) -> int:
        """Return what the operation is estimated to cost."""
        return ceil(self._weigh(self._root, (self.operation.selection_set,)))

    def _weigh(self, kind: Any, inner: tuple[SelectionSetNode, ...]) -> float:
        total = 0.0
        for step in self._plan(kind, inner):
            if step.kind is None or step.name == "pageInfo":
                continue
            child = self._weigh(step.kind, step.inner)
            if step.kind.name.endswith("Connection"):
                size = step.args.get("first") or step.args.get("last") or 10
                total += 2 + child * sqrt(max(size, 1))
            else:
                total += child + (10 if self.writes and kind is self._root else 1)
        return total

    def _project(self, kind: Any, inner: tuple[SelectionSetNode, ...], value: Any) -> Any:
        out = {}
        for step in self._plan(kind, inner):
            if step.name == "__typename":
                out[step.key] = kind.name
                continue
            found = step.resolve(value, step.args) if step.resolve else None
            out[step.key] = found if step.kind is None else self._complete(step, found)
        return out

    def _complete(self, step: Step, found: Any) -> Any:
        if found is None:
            return None
        if isinstance(found, list):
            return [self._complete(step, x) for x in found]
        if is_abstract_type(step.kind):
            name, value = found
            kind = self.server.schema.type_map[name]
            return self._project(kind, step.inner, value)
        return self._project(step.kind, step.inner, found)

    def _plan(self, kind: Any, inner: tuple[SelectionSetNode, ...]) -> list[Step]:
        key = (tuple(id(x) for x in inner), kind.name)
        plan = self._plans.get(key)
        if plan is None:
            fields: dict[str, list[FieldNode]] = {}
            for selection_set in inner:
                self._collect(kind, selection_set, fields)
            plan = self._plans[key] = [self._step(kind, k, nodes) for k, nodes in fields.items()]
        return plan

    def _collect(
        self, kind: Any, selection_set: SelectionSetNode, fields: dict[str, list[FieldNode]]
    ) -> None:
        for node in selection_set.selections:
            if not self._included(node):
                continue
            if isinstance(node, FieldNode):
                key = node.alias.value if node.alias else node.name.value
                fields.setdefault(key, []).append(node)
            elif isinstance(node, InlineFragmentNode):
                if self._fits(kind, node.type_condition):
                    self._collect(kind, node.selection_set, fields)
            elif isinstance(node, FragmentSpreadNode):
                fragment = self.fragments[node.name.value]
                if self._fits(kind, fragment.type_condition):
                    self._collect(kind, fragment.selection_set, fields)

    def _included(self, node: Any) -> bool:
        for directive in node.directives or ():
            name = directive.name.value
            if name in ("skip", "include"):
                told = value_from_ast_untyped(directive.arguments[0].value, self.variables)
                if bool(told) == (name == "skip"):
                    return False
        return True

    def _fits(self, kind: Any, condition: Any) -> bool:
        if condition is None or condition.name.value == kind.name:
            return True
        wanted = self.server.schema.type_map[condition.name.value]
        if isinstance(kind, GraphQLInterfaceType) or is_abstract_type(kind):
            return True  # weighed, not run: every branch counts
        return is_abstract_type(wanted) and self.server.schema.is_sub_type(wanted, kind)  # ty: ignore

    def _step(self, kind: Any, key: str, nodes: list[FieldNode]) -> Step:
        node = nodes[0]
        name = node.name.value
        field = getattr(kind, "fields", {}).get(name)
        leads = get_named_type(field.type) if field else None
        args = {k: x.default_value for k, x in field.args.items()} if field else {}
        args = {k: v for k, v in args.items() if v is not Undefined}
        return Step(
            key,
            name,
            self.server.resolvers.get(kind.name, {}).get(name),
            {**args, **self._values(node.arguments), **self._directives(node)},
            leads if leads is not None and is_composite_type(leads) else None,
            tuple(x.selection_set for x in nodes if x.selection_set),
        )

    def _directives(self, node: FieldNode) -> dict[str, Any]:
        found = node.directives or ()
        return {f"@{d.name.value}": self._values(d.arguments) for d in found}

    def _values(self, arguments: Any) -> dict[str, Any]:
        pairs = (
            (x.name.value, value_from_ast_untyped(x.value, self.variables)) for x in arguments or ()
        )
        return {name: value for name, value in pairs if value is not Undefined}
