"""Run by Alembic: our metadata on the connection, and in the transaction, that the caller opened."""

from alembic import context

from backend.tables import metadata

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=metadata,
    render_as_batch=True,
    compare_type=True,
    transaction_per_migration=False,
)
with context.begin_transaction():
    if connection.dialect.name == "postgresql":
        # A migration beside running code must give up rather than queue every reader behind it.
        connection.exec_driver_sql("SET LOCAL lock_timeout = '5s'")
    context.run_migrations()
