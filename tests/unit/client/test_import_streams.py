"""Imports go in streams, one after the other, that are safe to send again."""

import signal
import threading

import grpc
import pytest
from tests.unit.client.import_log import ImportLog, embeddings
from tests.unit.client.scripted_server import fail, never

from aloe import client


def more_than_a_stream():
    return (client.NewClip(f"clip{n}", audio=b"RIFF") for n in range(600))


def test_audio_goes_in_several_streams_and_progress_is_told(learner_server, learner):
    learner_server.on("ImportClips", log := ImportLog())
    done: list[int] = []
    clips = (client.NewClip(f"clip{n}", audio=b"RIFF") for n in range(1100))
    summary = learner.call("import_clips", "voices", clips, on_progress=done.append)
    assert summary.imported_count == 1100
    assert len(log.streams) > 1
    assert done[-1] == 1100
    assert done == sorted(set(done))
    sent = [clip_id for stream in range(len(log.streams)) for clip_id in log.clip_ids(stream)]
    assert sent == [f"clip{n}" for n in range(1100)]


@pytest.mark.slow
def test_a_stream_has_no_more_clips_than_an_answer_can_blame(learner_server, learner):
    learner_server.on("ImportClips", log := ImportLog())
    summary = learner.call("import_clips", "voices", embeddings(60_000, dim=1))
    assert summary.imported_count == 60_000
    assert [len(log.clip_ids(stream)) for stream in range(len(log.streams))] == [50_000, 10_000]


def test_broken_stream_is_sent_again_whole(learner_server, learner):
    learner_server.on("ImportClips", log := ImportLog(broken_streams=2))
    summary = learner.call("import_clips", "voices", embeddings(12, dim=100_000))
    assert summary.imported_count == 12
    assert len(log.streams) == 3
    assert log.clip_ids(-1) == [f"clip{n}" for n in range(12)]


def test_error_of_the_callers_iterable_is_the_callers(learner_server, learner):
    learner_server.on("ImportClips", ImportLog())

    def clips():
        yield from embeddings(2)
        raise LookupError("my own")

    with pytest.raises(LookupError, match="my own"):
        learner.call("import_clips", "voices", clips())


def test_stream_is_sent_again_while_the_next_one_is_still_being_read(learner_server, learner):
    log, arrived = ImportLog(broken_streams=1), threading.Event()

    def take(requests, context):
        response = log(requests, context)
        arrived.set()
        return response

    def clips():
        yield from more_than_a_stream()
        assert arrived.wait(timeout=5)

    learner_server.on("ImportClips", take)
    assert learner.call("import_clips", "voices", clips()).imported_count == 600


def test_failed_stream_is_told_before_an_error_of_the_callers_iterable(learner_server, learner):
    learner_server.on(
        "ImportClips", lambda _, context: fail(context, grpc.StatusCode.NOT_FOUND, message="gone")
    )

    def clips():
        yield from more_than_a_stream()
        raise LookupError("my own")

    with pytest.raises(client.NotFound, match="gone"):
        learner.call("import_clips", "voices", clips())


def test_stream_under_way_ends_before_an_error_of_the_callers_iterable(learner_server, learner):
    log, raising = ImportLog(), threading.Event()

    def take(requests, context):
        raising.wait(timeout=5)
        return log(requests, context)

    def clips():
        yield from more_than_a_stream()
        raising.set()
        raise LookupError("my own")

    learner_server.on("ImportClips", take)
    done: list[int] = []
    with pytest.raises(LookupError, match="my own"):
        learner.call("import_clips", "voices", clips(), on_progress=done.append)
    assert done == [len(log.clip_ids(0))]


def test_interrupt_cancels_the_stream_under_way(learner_server, learner):
    begun, left = threading.Event(), threading.Event()
    main_thread_id = threading.get_ident()

    def hang(requests, context):
        begun.set()
        never(context)
        left.set()

    def clips():
        yield from more_than_a_stream()
        assert begun.wait(timeout=5)
        signal.pthread_kill(main_thread_id, signal.SIGINT)

    learner_server.on("ImportClips", hang)
    with pytest.raises(KeyboardInterrupt):
        learner.call("import_clips", "voices", clips())
    assert left.wait(timeout=5)
