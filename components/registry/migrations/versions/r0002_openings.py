"""Openings of the exam."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.create_table(
        "unimed_openings",
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("registry", sa.String(255), nullable=False),
        sa.Column("exam", sa.String(64), nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("weights_sha256", sa.String(64), nullable=False),
        sa.Column("at", sa.String(40), nullable=False),
        sa.Column("who", sa.Text, nullable=False),
        sa.Column("why", sa.Text, nullable=False),
        if_not_exists=True,
    )
