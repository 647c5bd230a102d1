"""A payload of 256 MiB: in memory, from file to file, a part of it, and how much memory it takes.

In memory processor time is measured; with files the time that passes, because waiting for the disk is part of it.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from benchmarks.file_peers import HashedFile, installed_file_peers, pieces
from benchmarks.measure import Fact, Row, compare, seconds
from siegel import AttachmentReader, AttachmentRef, StreamDecryptor, StreamEncryptor, decrypt_file, encrypt_file
from siegel.streams import room_for

MIB = 1 << 20
CHUNK, SEALED = 16_384, 16_400
PART = 4_096
KEY = os.urandom(32)

# The peak that getrusage tells on Linux is inherited from the process that started this one.
PEAK = """
import resource, sys
from pathlib import Path
from siegel import decrypt_file, encrypt_file

def peak():
    if sys.platform == "darwin":
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    status = Path("/proc/self/status").read_text().split()
    return int(status[status.index("VmHWM:") + 1]) * 1024

folder = sys.argv[1] + "/"
before = peak()
ref = encrypt_file(folder + "source", folder + "staging")
between = peak()
decrypt_file(folder + "staging", folder + "copy", ref)
print(between - before, peak() - before)
"""


def run(*, pairs: int) -> list[Row | Fact]:
    quick = pairs <= 100
    size, few = (16 * MIB, 3) if quick else (256 * MIB, 11)
    with TemporaryDirectory() as folder:
        return [*_in_memory(size, few), *_files(Path(folder), size, few), *_parts(Path(folder), max(pairs, 1_000))]


# --- in memory -------------------------------------------------------------------------------------------------------


def _in_memory(size: int, pairs: int) -> list[Row]:
    """Both sides go over the whole payload, and write into one buffer again and again."""
    plain, aead = memoryview(os.urandom(MIB) * (size // MIB)), AESGCM(KEY)
    buffer, chunk = bytearray(room_for(MIB)), bytearray(SEALED)
    sealed_chunk, plain_chunk = memoryview(chunk), memoryview(chunk)[:CHUNK]
    nonces = [number.to_bytes(12, "big") for number in range(size // CHUNK)]
    encryptor = StreamEncryptor(KEY, context=b"benchmark")
    stream = memoryview(encryptor.update(plain) + encryptor.finalize())
    sealed = memoryview(b"".join(aead.encrypt(n, plain[i * CHUNK :][:CHUNK], None) for i, n in enumerate(nonces)))

    def encrypt() -> None:
        encryptor = StreamEncryptor(KEY, context=b"benchmark")
        for at in range(0, size, MIB):
            encryptor.update_into(plain[at : at + MIB], buffer)
        encryptor.finalize()

    def encrypt_raw() -> None:
        for number, nonce in enumerate(nonces):
            aead.encrypt_into(nonce, plain[number * CHUNK : (number + 1) * CHUNK], None, sealed_chunk)

    def decrypt() -> None:
        decryptor = StreamDecryptor(KEY, context=b"benchmark")
        for at in range(0, len(stream), MIB):
            decryptor.update_into(stream[at : at + MIB], buffer)
        decryptor.finalize()

    def decrypt_raw() -> None:
        for number, nonce in enumerate(nonces):
            aead.decrypt_into(nonce, sealed[number * SEALED : (number + 1) * SEALED], None, plain_chunk)

    what = f"{size // MIB} MiB in memory"
    return [
        compare(f"encrypt {what}", encrypt, "AES encrypt_into, 16 KiB", encrypt_raw, pairs=pairs, limit="≤ 1.18"),
        compare(f"decrypt {what}", decrypt, "AES decrypt_into, 16 KiB", decrypt_raw, pairs=pairs, limit="≤ 1.18"),
    ]


# --- files -----------------------------------------------------------------------------------------------------------


def _files(folder: Path, size: int, pairs: int) -> list[Row | Fact]:
    source, staging, copy, other = (folder / name for name in ("source", "staging", "copy", "other"))
    with source.open("wb") as file:
        for _ in range(size // MIB):
            file.write(os.urandom(MIB))
    ref = encrypt_file(source, staging)
    decrypt_file(staging, copy, ref)
    assert copy.read_bytes() == source.read_bytes()
    what = f"{size // MIB} MiB from file to file"
    rows: list[Row | Fact] = [
        compare(
            f"encrypt {what}", lambda: encrypt_file(source, staging), "read + AES + SHA-256 + write + fsync",
            lambda: _encrypt_by_hand(source, other), pairs=pairs, limit="≤ 1.3", clock=perf_counter,
        ),
        compare(
            f"decrypt {what}", _decrypting(staging, copy, source), "read + SHA-256 + AES + write + fsync",
            lambda: _decrypt_by_hand(other, copy), pairs=pairs, limit="≤ 1.3", clock=perf_counter,
        ),
    ]  # fmt: skip
    rows += [
        compare(
            f"encrypt {what}", lambda: encrypt_file(source, staging), f"{peer.name} + SHA-256 + fsync", peer.encrypt,
            pairs=max(3, pairs // 2), limit="≤ 1", clock=perf_counter,
        )
        for peer in installed_file_peers(source, other)
    ]  # fmt: skip
    done = subprocess.run(  # noqa: S603  # our own interpreter, our own text
        [sys.executable, "-c", PEAK, str(folder)], check=True, capture_output=True, text=True
    )
    encrypting, both = (int(count) / MIB for count in done.stdout.split())
    return [
        *rows,
        Fact(f"memory that encrypting {size // MIB} MiB adds at the most", encrypting, "MiB", "≤ 8"),
        Fact(f"memory that encrypting and decrypting {size // MIB} MiB adds at the most", both, "MiB", "≤ 8"),
    ]


def _decrypting(staging: Path, copy: Path, source: Path) -> Callable[[], None]:
    ref = encrypt_file(source, staging)
    return lambda: decrypt_file(staging, copy, ref)


def _encrypt_by_hand(source: Path, target: Path) -> None:
    """The least that does it: no padding, no commitment, no file that appears at once."""
    aead, buffer, number = AESGCM(KEY), memoryview(bytearray(64 * SEALED)), 0
    with HashedFile(target) as file:
        for piece in pieces(source):
            end = 0
            for at in range(0, len(piece), CHUNK):
                chunk = piece[at : at + CHUNK]
                sealed = buffer[end : end + len(chunk) + 16]
                end += aead.encrypt_into(number.to_bytes(12, "big"), chunk, None, sealed)
                number += 1
            file.write(buffer[:end])
        file.digest()


def _decrypt_by_hand(source: Path, target: Path) -> None:
    aead, buffer, number, digest = AESGCM(KEY), memoryview(bytearray(64 * CHUNK)), 0, sha256()
    with target.open("wb", buffering=0) as file:
        for piece in pieces(source, 64 * SEALED):
            digest.update(piece)
            end = 0
            for at in range(0, len(piece), SEALED):
                chunk = piece[at : at + SEALED]
                plain = buffer[end : end + len(chunk) - 16]
                end += aead.decrypt_into(number.to_bytes(12, "big"), chunk, None, plain)
                number += 1
            file.write(buffer[:end])
        digest.digest()
        os.fsync(file.fileno())


def _parts(folder: Path, count: int) -> list[Fact]:
    ref: AttachmentRef = encrypt_file(folder / "source", folder / "staging")
    places = random.Random(1)
    with AttachmentReader(folder / "staging", ref) as reader:
        reader.read(1)

        def read() -> None:
            reader.seek(places.randrange(ref.size - PART))
            reader.read(PART)

        return [
            Fact("random read of 4 KiB", median(seconds(read, perf_counter) for _ in range(count)) * 1e6, "µs", "≤ 40")
        ]
