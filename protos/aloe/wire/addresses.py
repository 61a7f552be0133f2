"""Addresses as both ends write them: host:port."""

import ipaddress


def is_loopback(address: str) -> bool:
    """Whether nobody but this machine reaches what listens there. A name is not asked for."""
    host = address.rpartition(":")[0].strip("[]")
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
