"""Names of query strategies: what people call an acquisition function with a selection rule."""

from aloe.values.strategies import AcquisitionFunction, QueryStrategy, SelectionRule

_MARGIN = AcquisitionFunction.SMALLEST_MARGIN
_AWARE, _AGNOSTIC = SelectionRule.CLASS_AWARE, SelectionRule.CLASS_AGNOSTIC
_SHORT_NAMES = {_MARGIN: "margin", AcquisitionFunction.MARGIN_LOGITS: "margin-of-logits"}


def strategy_names() -> tuple[str, ...]:
    """Return the names of all query strategies that have a short one."""
    functions = [_function_name(each) for each in AcquisitionFunction]
    rules = [each.value for each in SelectionRule if each not in {_AWARE, _AGNOSTIC}]
    return (*functions, *(f"{each}-{_AWARE.value}" for each in functions), *rules)


def strategy_named(name: str) -> QueryStrategy:
    """Return the query strategy of a name, however its words are joined: "mcv-opt" or "mcvopt".

    "margin" is an acquisition function, class-agnostic; "margin-class-aware" the same by classes;
    "herding" a selection rule, by the smallest margin where scores count; "entropy+herding" by
    another function.

    Raises:
        ValueError: there is none; the text lists the names.
    """
    function, plus, rule = (_squeezed(each) for each in name.partition("+"))
    aware = _squeezed(_AWARE.value)
    try:
        if plus:
            return QueryStrategy(_FUNCTIONS[function], _RULES[rule])
        if function in _FUNCTIONS:
            return QueryStrategy(_FUNCTIONS[function], _AGNOSTIC)
        if function != aware and function.endswith(aware):
            return QueryStrategy(_FUNCTIONS[function.removesuffix(aware)], _AWARE)
        return QueryStrategy(_MARGIN, _RULES[function])
    except KeyError:
        known = ", ".join(strategy_names())
        raise ValueError(f"{name!r} is no query strategy; there are {known}") from None


def strategy_name(strategy: QueryStrategy) -> str:
    """Return the name of a query strategy, the shortest that strategy_named reads."""
    function, rule = strategy.acquisition_function, strategy.selection_rule
    if rule is _AGNOSTIC:
        return _function_name(function)
    if rule is _AWARE:
        return f"{_function_name(function)}-{rule.value}"
    return rule.value if function is _MARGIN else f"{_function_name(function)}+{rule.value}"


def _function_name(function: AcquisitionFunction) -> str:
    return _SHORT_NAMES.get(function, function.value.replace("_", "-"))


def _squeezed(name: str) -> str:
    return name.strip().lower().replace("_", "").replace("-", "")


_FUNCTIONS = {
    _squeezed(name): each
    for each in AcquisitionFunction
    for name in (each.value, _function_name(each))
}
_RULES = {_squeezed(each.value): each for each in SelectionRule}
