#!/bin/bash
# PostgreSQL's image runs this once, on an empty volume.
set -euo pipefail
psql -v ON_ERROR_STOP=1 -U postgres -d postgres \
  -v mlflow_password="$MLFLOW_DB_PASSWORD" -v prefect_password="$PREFECT_DB_PASSWORD" \
  -v owner_password="$UNIMED_OWNER_PASSWORD" -v app_password="$UNIMED_APP_PASSWORD" -f /unimed/databases.sql
