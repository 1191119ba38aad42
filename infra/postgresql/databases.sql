-- The databases of one installation and the least that each server needs: MLflow and Prefect own theirs, which they
-- migrate themselves; ours is owned by a role that nobody works as, and unimed's own role gets its rights from registry.sql.
-- Run once as a superuser, each password from its own secret:
--   psql -v mlflow_password=… -v prefect_password=… -v owner_password=… -v app_password=… -f databases.sql postgres
CREATE ROLE mlflow LOGIN PASSWORD :'mlflow_password';
CREATE ROLE prefect LOGIN PASSWORD :'prefect_password';
CREATE ROLE unimed_owner LOGIN PASSWORD :'owner_password';
CREATE ROLE unimed_app LOGIN PASSWORD :'app_password';
CREATE DATABASE mlflow OWNER mlflow;
CREATE DATABASE prefect OWNER prefect;
CREATE DATABASE unimed OWNER unimed_owner;
REVOKE ALL ON DATABASE mlflow, prefect, unimed FROM PUBLIC;
GRANT CONNECT ON DATABASE unimed TO unimed_app;
\connect prefect
-- Prefect's migrations use trigrams; only a superuser may always make the extension.
CREATE EXTENSION IF NOT EXISTS pg_trgm;
