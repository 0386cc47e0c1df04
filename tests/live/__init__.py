"""The stack on a real Docker Engine, which `engine.sh` and `images.sh` make available; skipped without one."""
