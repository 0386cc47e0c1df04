"""The shell scripts that put a snapshot in the place of a stopped Redis' data, run in the data's folder as its owner.

A Redis with appendonly reads the append-only file only. From 7.0 on that is a folder whose manifest may name an RDB
file as its base; before, one file that may begin with an RDB file (redis.io/docs, "AOF file format").
"""

from __future__ import annotations

OLD = ".leadsctl-before"
_NEW = ".leadsctl-new"
_DATA = "appendonlydir appendonly.aof dump.rdb"
_PUT_AWAY = f"rm -rf {OLD}; mkdir {OLD}; for each in {_DATA}; do if [ -e $each ]; then mv $each {OLD}/; fi; done"

FILL = f"""set -eu; umask 077
rm -rf {_NEW}; mkdir {_NEW}; cat >{_NEW}/base.rdb
{_PUT_AWAY}
if [ "$1" = single ]; then mv {_NEW}/base.rdb appendonly.aof; rm -rf {_NEW}
else mv {_NEW}/base.rdb {_NEW}/appendonly.aof.1.base.rdb
  echo 'file appendonly.aof.1.base.rdb seq 1 type b' >{_NEW}/appendonly.aof.manifest; mv {_NEW} appendonlydir
fi
"""
"""Reads the RDB file from standard input; $1 is "single" or "parts"."""

LET_GO = f"set -eu; rm -rf {OLD} {_NEW}"

PUT_BACK = f"""set -eu; rm -rf {_NEW}
if [ -d {OLD} ]; then
  rm -rf {_DATA}; for each in {_DATA}; do if [ -e {OLD}/$each ]; then mv {OLD}/$each .; fi; done; rmdir {OLD}
fi
"""
