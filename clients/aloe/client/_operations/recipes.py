"""Query strategies and head recipes as they travel."""

from aloe.client import types
from aloe.client._fields import parse_enum, uint32, wire_enum
from aloe.v1 import head_pb2, task_pb2


def encode_strategy(strategy: types.QueryStrategy) -> task_pb2.QueryStrategy:
    return task_pb2.QueryStrategy(
        acquisition_function=wire_enum(
            task_pb2.AcquisitionFunction, "ACQUISITION_FUNCTION", strategy.acquisition_function
        ),
        selection_rule=wire_enum(task_pb2.SelectionRule, "SELECTION_RULE", strategy.selection_rule),
    )


def parse_strategy(message: task_pb2.QueryStrategy) -> types.QueryStrategy:
    """Raises ValueError where a part is unknown here."""
    return types.QueryStrategy(
        acquisition_function=parse_enum(
            types.AcquisitionFunction,
            task_pb2.AcquisitionFunction,
            "ACQUISITION_FUNCTION",
            message.acquisition_function,
        ),
        selection_rule=parse_enum(
            types.SelectionRule, task_pb2.SelectionRule, "SELECTION_RULE", message.selection_rule
        ),
    )


def encode_recipe(recipe: types.HeadRecipe) -> head_pb2.HeadRecipe:
    if isinstance(recipe, types.LbfgsRecipe):
        return head_pb2.HeadRecipe(lbfgs=head_pb2.LbfgsRecipe(l2_penalty=recipe.l2_penalty))
    return head_pb2.HeadRecipe(
        adam=head_pb2.AdamRecipe(
            learning_rate=recipe.learning_rate,
            epoch_count=uint32("head_recipe.epoch_count", recipe.epoch_count),
            batch_size=uint32("head_recipe.batch_size", recipe.batch_size),
        )
    )


def parse_recipe(message: head_pb2.HeadRecipe) -> types.HeadRecipe:
    """Raises ValueError where the optimiser is unknown here."""
    kind = message.WhichOneof("optimiser")
    if kind == "adam":
        adam = message.adam
        return types.AdamRecipe(adam.learning_rate, adam.epoch_count, adam.batch_size)
    if kind == "lbfgs":
        return types.LbfgsRecipe(message.lbfgs.l2_penalty)
    raise ValueError("the head recipe has an optimiser unknown to this version of the library")
