"""Two network namespaces of Linux, joined by a pair of virtual interfaces: two machines to TCP."""

import contextlib
import os
import subprocess

NAMES = ["twinview-a", "twinview-b"]
ADDRESSES = ["10.213.7.1", "10.213.7.2"]
LINKS = ["twinview0", "twinview1"]


def inside(index):
    """What a command begins with to run in namespace 0 or 1."""
    return ["ip", "netns", "exec", NAMES[index]]


@contextlib.contextmanager
def pair(rate=None):
    """Makes the namespaces, and removes them. `rate` limits the link, as tc writes it: 1gbit."""
    if os.geteuid() != 0:
        raise SystemExit("network namespaces: expected root, found another user")
    run = lambda *words: subprocess.run(words, check=True)
    remove()
    try:
        for name in NAMES:
            run("ip", "netns", "add", name)
        run("ip", "link", "add", LINKS[0], "netns", NAMES[0], "type", "veth",
            "peer", "name", LINKS[1], "netns", NAMES[1])
        for name, link, address in zip(NAMES, LINKS, ADDRESSES):
            run("ip", "-n", name, "address", "add", f"{address}/24", "dev", link)
            run("ip", "-n", name, "link", "set", link, "up")
            run("ip", "-n", name, "link", "set", "lo", "up")
            if rate:
                run("tc", "-n", name, "qdisc", "add", "dev", link, "root", "tbf",
                    "rate", rate, "burst", "256kb", "latency", "50ms")
        yield
    finally:
        remove()


def remove():
    """The interfaces go with their namespaces."""
    for name in NAMES:
        subprocess.run(["ip", "netns", "delete", name], stderr=subprocess.DEVNULL, check=False)
