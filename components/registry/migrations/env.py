"""What alembic runs: the revisions of `versions/` on the connection that it is given, in that connection's transaction."""

from alembic import context

from components.registry.migrating import VERSION_TABLE

context.configure(connection=context.config.attributes["connection"], version_table=VERSION_TABLE)
context.run_migrations()
