"""What is kept of calls beside the conversation itself."""

from datetime import datetime

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from core.database import Base


class Recording(Base):
    """The sound of one spoken turn; the file is encrypted."""

    __tablename__ = "recordings"

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    conversation_id: Mapped[str] = mapped_column(ForeignKey("conversations.id", ondelete="CASCADE"), index=True)
    path: Mapped[str] = mapped_column(String(255))  # in the recordings' folder
    codec: Mapped[str] = mapped_column(String(8))  # flac
    rate: Mapped[int]
    seconds: Mapped[float]
    bytes: Mapped[int]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime | None] = mapped_column(index=True)  # deleted then; none: kept
