"""Streams of one kind: bounded, and no caller keeps all of their places."""

import pytest

from aloe.admission.errors import Overloaded
from aloe.admission.stream_gate import StreamGate, StreamPlace


async def fill(gate: StreamGate, caller: str) -> list[StreamPlace]:
    """Take all the places that a caller gets."""
    places = []
    while True:
        try:
            places.append(await gate.enter(caller))
        except Overloaded:
            return places


async def refusal(gate: StreamGate, caller: str) -> Overloaded:
    with pytest.raises(Overloaded) as caught:
        await gate.enter(caller)
    return caught.value


async def test_what_finds_no_place_is_refused_until_one_is_given_back() -> None:
    gate = StreamGate("streams", 1)
    place = await gate.enter("a")
    assert "all 1 places for streams are taken" in str(await refusal(gate, "b"))
    place.leave()
    place.leave()  # A place is given back once.
    await gate.enter("b")
    await refusal(gate, "c")


async def test_a_caller_gets_half_of_the_places_and_others_find_one() -> None:
    gate = StreamGate("imports", 256)
    places = await fill(gate, "greedy")
    assert len(places) == 129
    assert "this caller has 129 of the 256 places" in str(await refusal(gate, "greedy"))
    for number in range(5):
        assert await fill(gate, f"another {number}")
    await gate.enter("modest")
    for place in places:
        place.leave()
    assert await fill(gate, "greedy")


async def test_the_more_are_refused_the_later_they_are_to_come_again() -> None:
    gate = StreamGate("exports", 1)
    place = await gate.enter("a")
    assert (await refusal(gate, "b")).retry_after_s == 1
    times_s = [(await refusal(gate, "b")).retry_after_s for _ in range(500)]
    assert times_s == sorted(times_s)
    assert times_s[199] == pytest.approx(20.1)
    assert times_s[-1] == 30
    for _ in range(10):
        place.leave()
        place = await gate.enter("a")
    assert (await refusal(gate, "b")).retry_after_s == 1
