-- Rights of the role that unimed works as: it reads the decision log, the openings of exams and the registries' identities,
-- and adds to them; it can neither change nor delete what is there.
-- Run once, and again after each upgrade of the tables, as the database's owner; the first `unimed registry log` with the
-- owner's name in UNIMED_DATABASE_URL makes or upgrades the tables:
--   psql -v role=unimed_app -f registry.sql "$OWNER_URL"
-- The role needs CONNECT on the database, and a session of its own: no pooler in transaction mode before it.
REVOKE ALL ON unimed_decisions, unimed_openings, unimed_registries, unimed_version FROM PUBLIC, :"role";
GRANT SELECT, INSERT ON unimed_decisions, unimed_openings, unimed_registries TO :"role";
GRANT USAGE ON SEQUENCE unimed_openings_number_seq, unimed_registries_number_seq TO :"role";
GRANT SELECT ON unimed_version TO :"role";
