"""spoken turns: how they were heard, what was heard of the reply, and their recordings"""

import sqlalchemy as sa
from alembic import op

revision = "20261125"
down_revision = "20261122"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("turns", schema=None) as batch_op:
        batch_op.add_column(sa.Column("speech", sa.JSON(), nullable=False, server_default="{}"))
        batch_op.add_column(sa.Column("heard", sa.Text(), nullable=True))
    with op.batch_alter_table("turns", schema=None) as batch_op:
        batch_op.alter_column("speech", server_default=None)
    op.create_table(
        "recordings",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("conversation_id", sa.String(length=32), nullable=False),
        sa.Column("path", sa.String(length=255), nullable=False),
        sa.Column("codec", sa.String(length=8), nullable=False),
        sa.Column("rate", sa.Integer(), nullable=False),
        sa.Column("seconds", sa.Double(), nullable=False),
        sa.Column("bytes", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["conversation_id"], ["conversations.id"], name=op.f("fk_recordings_conversation_id_conversations"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_recordings")),
    )  # fmt: skip
    with op.batch_alter_table("recordings", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_recordings_conversation_id"), ["conversation_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_recordings_expires_at"), ["expires_at"], unique=False)


def downgrade() -> None:
    op.drop_table("recordings")
    with op.batch_alter_table("turns", schema=None) as batch_op:
        batch_op.drop_column("heard")
        batch_op.drop_column("speech")
