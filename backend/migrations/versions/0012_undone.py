"""What can be undone, and who moved to which version of the protocol."""

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Only adds."""


def downgrade() -> None:
    """Takes away what was added."""
