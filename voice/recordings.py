"""The sound of spoken turns, encrypted at rest (AES-256-GCM; the recording's id is authenticated with it)."""

import asyncio
import os
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import structlog
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import select
from sqlalchemy.orm import Session

from conversations.models import Turn
from core.clock import Clock, utc_now
from core.database import Database
from core.secrets import ensure_key
from core.settings import Settings
from voice.models import Recording
from voice.problems import RecordingNotFound

log = structlog.get_logger()

NONCE_BYTES = 12
SWEEP_SECONDS = 3600.0
SWEEP_ROWS = 500


@dataclass(frozen=True)
class Sound:
    recording: str
    content: bytes  # a FLAC file


class Recordings:
    """Files in the data folder, one row each. Off by a setting: nothing is kept then, what is there stays readable."""

    def __init__(self, settings: Settings, database: Database, clock: Clock = utc_now) -> None:
        self._folder = settings.data_dir / "recordings"
        self._days = settings.recording_days
        self._database = database
        self._clock = clock
        self._cipher = AESGCM(ensure_key(settings, "recordings"))

    async def keep(self, recording: str, conversation: str, pcm: bytes, rate: int) -> None:
        """Store one utterance under an id that the caller has made."""
        now = self._clock()
        relative = f"{now:%Y/%m/%d}/{recording}.flac.enc"
        size = await asyncio.to_thread(self._write, recording, relative, pcm, rate)
        row = Recording(
            id=recording, conversation_id=conversation, path=relative, codec="flac", rate=rate,
            seconds=round(len(pcm) / 2 / rate, 2), bytes=size, created_at=now,
            expires_at=now + timedelta(days=self._days) if self._days else None,
        )  # fmt: skip
        try:
            await self._database.write(lambda session: session.add(row))
        except Exception:
            (self._folder / relative).unlink(missing_ok=True)
            raise

    async def of_turn(self, conversation: str, turn: str) -> Sound:
        """What the customer said in this turn. Raises RecordingNotFound."""
        query = (
            select(Recording)
            .join(Turn, Turn.audio == Recording.id)
            .where(Turn.id == turn, Turn.conversation_id == conversation, Recording.conversation_id == conversation)
        )
        row = await self._database.read(lambda session: session.scalars(query).first())
        if row is None:
            raise RecordingNotFound
        return Sound(row.id, await asyncio.to_thread(self._read, row.id, row.path))

    async def delete_expired(self) -> int:
        """Delete what has been kept long enough; gives how many."""
        now = self._clock()
        query = select(Recording).where(Recording.expires_at < now).limit(SWEEP_ROWS)
        rows = list(await self._database.read(lambda session: session.scalars(query).all()))
        for row in rows:
            (self._folder / row.path).unlink(missing_ok=True)
        ids = [row.id for row in rows]

        def forget(session: Session) -> None:
            for recording in session.scalars(select(Recording).where(Recording.id.in_(ids))):
                session.delete(recording)

        if ids:
            await self._database.write(forget)
        return len(ids)

    async def keep_deleting(self) -> None:
        """For ever; what fails is tried again an hour later."""
        while True:
            try:
                while await self.delete_expired() == SWEEP_ROWS:
                    pass
            except Exception:
                log.exception("expired recordings could not be deleted")
            await asyncio.sleep(SWEEP_SECONDS)

    def _write(self, recording: str, relative: str, pcm: bytes, rate: int) -> int:
        from voice.synthesis.sound import packed  # numpy and its kin: 30 MB that an app without calls does without

        nonce = os.urandom(NONCE_BYTES)
        content = nonce + self._cipher.encrypt(nonce, packed(pcm, rate), recording.encode())
        path = self._folder / relative
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft = path.with_suffix(".new")
        try:
            with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
                file.write(content)
            os.replace(draft, path)
        finally:
            with suppress(FileNotFoundError):
                draft.unlink()
        return len(content)

    def _read(self, recording: str, relative: str) -> bytes:
        try:
            content = Path(self._folder / relative).read_bytes()
            return self._cipher.decrypt(content[:NONCE_BYTES], content[NONCE_BYTES:], recording.encode())
        except (OSError, InvalidTag) as error:
            log.error("a recording cannot be read", recording=recording, error=type(error).__name__)
            raise RecordingNotFound("the file is gone, damaged, or was made with another key") from None
