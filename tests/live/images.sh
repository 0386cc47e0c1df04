#!/usr/bin/env bash
# Makes the base images that the stack names available: pulls each one, and where no container
# registry answers, builds a stand-in of the same name from Debian's packages. A stand-in keeps the
# documented contract of the official image (environment variables, data directory, init scripts,
# user, command); it is for tests on machines without a registry and is never published.
# Usage: images.sh [IMAGE ...]      default: all below
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
log() { printf 'live: %s\n' "$*" >&2; }

rootfs_image() { # suite -> local/debian-rootfs:<suite>
  local suite=$1 tag="local/debian-rootfs:$1"
  docker image inspect "$tag" >/dev/null 2>&1 && return
  command -v debootstrap >/dev/null || { apt-get update -qq; DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends debootstrap >/dev/null; }
  log "building $tag"
  local root; root=$(mktemp -d)
  debootstrap --variant=minbase --include=ca-certificates,busybox "$suite" "$root" >"$root.log" 2>&1 || { tail -5 "$root.log" >&2; exit 1; }
  # The machine's own certificates, so that builds reach what the machine reaches.
  cp /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/ca-certificates.crt"
  rm -rf "$root"/var/cache/apt/archives/*.deb
  tar -C "$root" -c . | docker import --change 'ENV PIP_CERT=/etc/ssl/certs/ca-certificates.crt SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt PIP_DEFAULT_TIMEOUT=180' - "$tag" >/dev/null
  rm -rf "$root" "$root.log"
}

standin() { # image folder suite
  local image=$1 folder=$2 suite=$3
  docker image inspect "$image" >/dev/null 2>&1 && return
  if [ "${LIVE_PULL:-1}" = 1 ] && timeout 20 docker pull -q "$image" >/dev/null 2>&1; then log "pulled $image"; return; fi
  rootfs_image "$suite"
  log "building a stand-in for $image"
  DOCKER_BUILDKIT=0 docker build -q --network=host --build-arg SUITE="$suite" -t "$image" "$here/standins/$folder" >/dev/null
}

all=(python:3.13-slim postgres:15-alpine redis:7-alpine caddy:2-alpine)
for image in "${@:-${all[@]}}"; do
  case $image in
    python:*)   standin "$image" python trixie ;;
    postgres:*) standin "$image" postgres bookworm ;;
    redis:*)    standin "$image" redis bookworm ;;
    caddy:*)    standin "$image" caddy trixie ;;
    *) log "no stand-in known for $image"; exit 2 ;;
  esac
done
docker images --format 'live: {{.Repository}}:{{.Tag}} {{.Size}}' | grep -v '<none>' >&2
