"""The four clients are two interfaces, and no protobuf shows in them."""

import inspect
import types
import typing

import pytest

from aloe import client

PAIRS = [
    (client.LearnerClient, client.AsyncLearnerClient),
    (client.EmbeddingClient, client.AsyncEmbeddingClient),
]


def methods(kind: type) -> dict[str, types.FunctionType]:
    return {
        name: member
        for name, member in inspect.getmembers(kind, inspect.isfunction)
        if not name.startswith("_")
    }


@pytest.mark.parametrize(("blocking", "asyncio"), PAIRS)
def test_blocking_and_asyncio_client_take_the_same_arguments(blocking, asyncio):
    assert set(methods(blocking)) == set(methods(asyncio))
    for name, method in methods(blocking).items():
        twin = inspect.signature(methods(asyncio)[name])
        for parameter in inspect.signature(method).parameters.values():
            assert twin.parameters[parameter.name].kind == parameter.kind
            assert twin.parameters[parameter.name].default == parameter.default
        assert len(twin.parameters) == len(inspect.signature(method).parameters)


def named_types(annotation: object) -> set[object]:
    arguments = [part for part in typing.get_args(annotation) if not isinstance(part, list)]
    return {annotation}.union(*map(named_types, arguments))


@pytest.mark.parametrize("kind", [kind for pair in PAIRS for kind in pair])
def test_no_signature_names_protobuf(kind):
    for method in methods(kind).values():
        for annotation in typing.get_type_hints(method).values():
            modules = {getattr(named, "__module__", "") for named in named_types(annotation)}
            assert not [name for name in modules if name.startswith(("aloe.v1", "google"))]


@pytest.mark.parametrize("kind", [client.LearnerClient, client.AsyncLearnerClient])
def test_every_call_takes_a_timeout(kind):
    for name, method in methods(kind).items():
        assert name == "close" or "timeout" in inspect.signature(method).parameters
