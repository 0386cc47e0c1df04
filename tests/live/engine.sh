#!/usr/bin/env bash
# Makes a Docker Engine with Compose v2 answer on this machine, for the tests on a real engine (Debian 12 or 13, as root).
# Installs docker.io from Debian's packages when dockerd is missing, starts it when it is not
# running, and adds the Compose v2 plugin when `docker compose` is missing. Safe to run again.
set -euo pipefail
log() { printf 'live: %s\n' "$*" >&2; }

if ! command -v dockerd >/dev/null; then
  log "installing docker.io"
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends docker.io iptables >/dev/null
  # Debian 13 ships the client apart
  command -v docker >/dev/null || DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends docker-cli >/dev/null
fi

if ! docker info >/dev/null 2>&1; then
  log "starting dockerd"
  # A killed engine leaves pid files; their numbers may be zombies', or another program's by now.
  for f in /var/run/docker.pid /var/run/docker/containerd/containerd.pid; do
    case $(readlink "/proc/$(cat "$f" 2>/dev/null || echo none)/exe" 2>/dev/null || true) in
      */dockerd | */containerd) ;;
      *) rm -f "$f" ;;
    esac
  done
  setsid dockerd --log-level warn >/var/log/dockerd.log 2>&1 </dev/null &
  for _ in $(seq 60); do docker info >/dev/null 2>&1 && break; sleep 0.5; done
  docker info >/dev/null 2>&1 || { tail -20 /var/log/dockerd.log >&2; log "dockerd did not start"; exit 1; }
fi

if ! docker compose version >/dev/null 2>&1; then
  log "adding the Compose v2 plugin"
  work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
  mkdir -p "$work/lists/partial" "$work/cache/archives/partial"
  # The Debian mirror this machine already uses, with the suite that carries Compose v2.
  mirror=$(apt-get indextargets --format '$(SITE)|$(REPO_URI)' 'Created-By: Packages' 2>/dev/null | grep -E '/debian/?$' | head -1 | cut -d'|' -f2)
  printf 'deb %s trixie main\n' "${mirror:?no Debian mirror configured}" >"$work/sources.list"
  cat >"$work/apt.conf" <<A
Dir::Etc::sourcelist "$work/sources.list";
Dir::Etc::sourceparts "/dev/null";
Dir::State::Lists "$work/lists";
Dir::Cache "$work/cache";
APT::Sandbox::User "root";
A
  APT_CONFIG="$work/apt.conf" apt-get update -qq
  (cd "$work" && APT_CONFIG="$work/apt.conf" apt-get download -qq docker-compose && dpkg -x docker-compose_*.deb root)
  install -D -m 0755 "$(find "$work/root" -type f -name docker-compose -size +1M | head -1)" /usr/local/lib/docker/cli-plugins/docker-compose
fi
# For an engine on an ssh host: the tests start an sshd of their own. RUNLEVEL=1 keeps its service from being started.
if ! command -v sshd >/dev/null && [ ! -x /usr/sbin/sshd ]; then
  { apt-get update -qq &&
    RUNLEVEL=1 DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends openssh-server; } >/dev/null 2>&1 ||
    log "no openssh-server from Debian: the test on an ssh host will be skipped"
fi
docker version --format 'live: engine {{.Server.Version}}, api {{.Server.APIVersion}}' >&2
docker compose version >&2
