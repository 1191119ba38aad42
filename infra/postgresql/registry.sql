-- Rights of the role that unimed works as: it reads the decision log and adds to it, and can neither change nor delete.
-- Run once, as the database's owner, after any unimed command has made the tables as that owner:
--   psql -v role=unimed_app -f registry.sql "$OWNER_URL"
-- The role needs CONNECT on the database; upgrades of the tables are run by the owner.
REVOKE ALL ON unimed_decisions, unimed_version FROM PUBLIC, :"role";
GRANT SELECT, INSERT ON unimed_decisions TO :"role";
GRANT SELECT ON unimed_version TO :"role";
