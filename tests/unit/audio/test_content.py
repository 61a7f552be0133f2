import io
import random
from pathlib import Path

import pytest

from aloe.audio.content import Beginning, Chunks, ContentFile, opened

DATA = random.Random(7).randbytes(5_000)


def chunks(data: bytes = DATA, chunk_bytes: int = 64) -> Chunks:
    return Chunks(len(data), lambda begin, size: data[begin : begin + size], b"", chunk_bytes)


def test_slices_are_those_of_the_bytes() -> None:
    rng, content = random.Random(1), chunks()
    for _ in range(500):
        part = slice(rng.randrange(-10, 5_010), rng.choice((None, rng.randrange(-10, 5_010))))
        assert content[part] == DATA[part]


@pytest.mark.parametrize("wanted", [DATA[63:66], DATA[:4], DATA[-5:], DATA[2_000:2_200], b"no!"])
@pytest.mark.parametrize("bounds", [(0, None), (1, None), (0, 4_999), (64, 2_128)])
def test_what_is_found_is_found_where_bytes_have_it(
    wanted: bytes, bounds: tuple[int, int | None]
) -> None:
    assert chunks().find(wanted, *bounds) == DATA.find(wanted, *bounds)
    assert chunks().rfind(wanted, *bounds) == DATA.rfind(wanted, *bounds)


def test_a_file_that_became_shorter_ends_there() -> None:
    content = Chunks(5_000, lambda begin, size: DATA[:1_000][begin : begin + size], b"", 64)
    assert content[900:2_000] == DATA[900:1_000]
    assert content.find(b"no!") == -1


def test_few_chunks_are_kept_and_the_first_may_be_known() -> None:
    asked: list[int] = []

    def fetch(begin: int, size: int) -> bytes:
        asked.append(begin)
        return DATA[begin : begin + size]

    content = Chunks(5_000, fetch, DATA[:64], 64)
    assert content[:5_000] == DATA
    assert content[4_999:] == DATA[-1:]
    assert asked == list(range(64, 5_000, 64))
    assert content[:10] == DATA[:10]
    assert asked[-1] == 0


def test_a_beginning_ends_before_the_rest() -> None:
    content = Beginning(chunks(), 100)
    assert (len(content), content[90:200], content[100:]) == (100, DATA[90:100], b"")
    assert content.find(DATA[99:102]) == -1


def test_a_content_reads_as_a_file() -> None:
    file = ContentFile(chunks())
    assert file.read(3) == DATA[:3]
    assert (file.seek(-2, io.SEEK_END), file.read(), file.tell()) == (4_998, DATA[-2:], 5_000)
    assert (file.seek(-5), file.seek(10, io.SEEK_CUR)) == (0, 10)
    buffer = bytearray(4)
    assert (file.readinto(buffer), bytes(buffer)) == (4, DATA[10:14])


def test_recordings_are_opened_from_memory_paths_and_files(tmp_path: Path) -> None:
    path = tmp_path / "a.raw"
    path.write_bytes(DATA)
    with path.open("rb") as file:
        for recording in (DATA, path, file, io.BytesIO(DATA)):
            with opened(recording) as content:
                assert (len(content), content[:]) == (5_000, DATA)
    with pytest.raises(OSError, match="no such"), opened(tmp_path / "no such") as content:
        pass
