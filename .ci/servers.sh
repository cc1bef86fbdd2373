# Sourced by .ci/run: private PostgreSQL and Redis servers in "$work", where none are named.
# As root, PostgreSQL runs as the user that Debian's package makes for it, because it refuses root.

as_postgres() {
  if [[ $EUID -eq 0 ]]; then runuser -u postgres -- "$@"; else "$@"; fi
}

free_port() {
  node -e 'const s = require("net").createServer().listen(0, "127.0.0.1", () => { console.log(s.address().port); s.close(); })'
}

postgres_binaries() {
  find /usr/lib/postgresql -path '*/bin/initdb' 2>/dev/null | sort -V | tail -n 1 | xargs -r dirname
}

install_servers() {
  local missing=()
  [[ -n ${TEST_DATABASE_URL:-} || -n $(postgres_binaries) ]] || missing+=(postgresql)
  [[ -n ${TEST_REDIS_URL:-} || -n $(command -v redis-server) ]] || missing+=(redis-server)
  [[ ${#missing[@]} -eq 0 ]] && return
  if [[ $EUID -ne 0 ]]; then
    echo "Install ${missing[*]}, or set TEST_DATABASE_URL and TEST_REDIS_URL." >&2
    return 1
  fi
  apt-get update -q
  DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends "${missing[@]}"
}

start_postgres() {
  local binaries port
  binaries=$(postgres_binaries)
  mkdir "$work/postgres"
  [[ $EUID -ne 0 ]] || chown postgres "$work/postgres"
  (cd "$work/postgres" && as_postgres "$binaries/initdb" --pgdata="$work/postgres/data" --username=parley \
    --auth=trust --encoding=UTF8 --locale=C.UTF-8 --no-sync >/dev/null)
  for _ in 1 2 3 4 5; do
    port=$(free_port)
    if (cd "$work/postgres" && as_postgres "$binaries/pg_ctl" --pgdata="$work/postgres/data" --wait --silent \
      --log="$work/postgres/log" --options="-p $port -c listen_addresses=127.0.0.1 -c unix_socket_directories= \
        -c max_connections=200 -c fsync=off -c full_page_writes=off" start); then
      export TEST_DATABASE_URL="postgres://parley@127.0.0.1:$port/postgres"
      return
    fi
  done
  cat "$work/postgres/log" >&2
  return 1
}

start_redis() {
  local port
  for _ in 1 2 3 4 5; do
    port=$(free_port)
    redis-server --bind 127.0.0.1 --port "$port" --dir "$work" --save '' --appendonly no >"$work/redis.log" 2>&1 &
    redis_pid=$!
    for _ in $(seq 50); do
      if redis-cli -p "$port" ping >/dev/null 2>&1; then
        export TEST_REDIS_URL="redis://127.0.0.1:$port"
        return
      fi
      kill -0 "$redis_pid" 2>/dev/null || break
      sleep 0.1
    done
  done
  cat "$work/redis.log" >&2
  return 1
}

start_servers() {
  install_servers
  [[ -n ${TEST_DATABASE_URL:-} ]] || start_postgres
  [[ -n ${TEST_REDIS_URL:-} ]] || start_redis
}

stop_servers() {
  [[ -z ${redis_pid:-} ]] || kill "$redis_pid" 2>/dev/null || true
  [[ ! -f "$work/postgres/data/postmaster.pid" ]] ||
    (cd "$work/postgres" && as_postgres "$(postgres_binaries)/pg_ctl" --pgdata="$work/postgres/data" \
      --mode=immediate --silent stop)
}
