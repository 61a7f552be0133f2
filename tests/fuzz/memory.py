"""The memory of processes."""

from pathlib import Path


def resident_mib(pid: int | None) -> float:
    """Return the resident memory of a process and of those it started."""
    total = 0.0
    for process in Path("/proc").iterdir():
        try:
            status = (process / "status").read_text()
        except OSError:
            continue
        fields = dict(line.split(":", 1) for line in status.splitlines() if ":" in line)
        if str(pid) in (fields["Pid"].strip(), fields["PPid"].strip()) and "VmRSS" in fields:
            total += int(fields["VmRSS"].split()[0]) / 1024
    return total
