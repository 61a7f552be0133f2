"""What kind of file a recording is, by its first bytes."""

UNKNOWN = "application/octet-stream"
_BY_BEGINNING = (
    (b"RF64", "audio/wav"),
    (b"BW64", "audio/wav"),
    (b"riff\x2e\x91\xcf\x11", "audio/x-w64"),
    (b"fLaC", "audio/flac"),
    (b"OggS", "audio/ogg"),
    (b"#!AMR-WB", "audio/amr-wb"),
    (b"#!AMR", "audio/amr"),
    (b"ADIF", "audio/aac"),
    (b".snd", "audio/basic"),
    (b"caff", "audio/x-caf"),
    (b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", "audio/x-ms-wma"),
    (b"wvpk", "audio/x-wavpack"),
    (b"MAC ", "audio/x-ape"),
    (b"TTA1", "audio/x-tta"),
    (b"\x0b\x77", "audio/ac3"),
    (b"DSD ", "audio/x-dsf"),
    (b".RMF", "application/vnd.rn-realmedia"),
    (b"FLV\x01", "video/x-flv"),
)
_IFF_KINDS = {
    (b"RIFF", b"WAVE"): "audio/wav",
    (b"RIFX", b"WAVE"): "audio/wav",
    (b"RIFF", b"AVI "): "video/x-msvideo",
    (b"FORM", b"AIFF"): "audio/aiff",
    (b"FORM", b"AIFC"): "audio/aiff",
}
_BOXES = (b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot")
"""How QuickTime files begin that do not say their kind first."""
_REPEATED = ((188, 0xFF, 0x47, "video/mp2t"), (33, 0xF0, 0xD0, "audio/x-gsm"))
"""Packets of one length that begin alike: length, bits of the first byte, what these are."""
_REPEATED_COUNT = 4
_EBML = b"\x1a\x45\xdf\xa3"


def media_type_of(content: bytes) -> str:
    """Tell the media type of a file from its bytes; UNKNOWN if it is none of those known here."""
    begin = _end_of_id3(content)
    # Tags of that kind are MP3's own; others have them now and then.
    return (
        _type_of(content[begin : begin + 64])
        or ("audio/mpeg" if begin else None)
        or _type_of_packets(content)
        or UNKNOWN
    )


def _type_of_packets(content: bytes) -> str | None:
    for length, bits, value, media_type in _REPEATED:
        begins = content[: length * _REPEATED_COUNT : length]
        if len(begins) == _REPEATED_COUNT and all(byte & bits == value for byte in begins):
            return media_type
    return None


def _end_of_id3(content: bytes) -> int:
    """Return where the tags end that stand before MP3, AAC or FLAC. Lengths have 7 bits a byte."""
    end = 0
    while content[end : end + 3] == b"ID3" and len(content) >= end + 10:
        size = 0
        for byte in content[end + 6 : end + 10]:
            size = size << 7 | byte & 0x7F
        end += 10 + size
    return end


def _type_of(head: bytes) -> str | None:
    kind = _IFF_KINDS.get((head[:4], head[8:12]))
    if kind:
        return kind
    if head[4:8] == b"ftyp":
        return "audio/3gpp" if head[8:11] in (b"3gp", b"3g2") else "audio/mp4"
    if head[4:8] in _BOXES:
        return "video/quicktime"
    if head.startswith(_EBML):
        return "audio/webm" if b"webm" in head else "audio/x-matroska"
    for beginning, media_type in _BY_BEGINNING:
        if head.startswith(beginning):
            return media_type
    return _type_of_frame(head)


def _type_of_frame(head: bytes) -> str | None:
    """Tell AAC, and MPEG of layer 2 or 3, by a frame's head: eleven set bits, version, layer."""
    if len(head) < 2 or head[0] != 0xFF or head[1] & 0xE0 != 0xE0:
        return None
    version, layer = head[1] >> 3 & 3, head[1] >> 1 & 3
    if layer == 0:
        return "audio/aac" if version & 2 else None
    return "audio/mpeg" if layer in (1, 2) and version != 1 else None
