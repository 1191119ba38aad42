"""Peak memory of one way to bring a checkpoint in, in a process of its own: python -m … load|import FOLDER TARGET."""

import json
import re
import sys
import threading
from pathlib import Path


def resident_bytes() -> dict[str, int]:
    """RssAnon: our own memory. RssFile: mapped pages, which the kernel takes back at need. VmHWM: most of both so far."""
    text = Path("/proc/self/status").read_text()
    return {name: int(kilobytes) * 1024 for name, kilobytes in re.findall(r"(RssAnon|RssFile|VmHWM):\s+(\d+)", text)}


def main(way: str, folder: Path, target: Path) -> None:
    """Print the peaks above what the process held after its imports, in bytes."""
    from components.weights.importing import open_published, write_incoming
    from model.unimedvl import UniMedVL

    # ru_maxrss would begin at what the parent process ever held; this sets the mark back to now.
    Path("/proc/self/clear_refs").write_text("5")
    peak, end = resident_bytes(), threading.Event()
    before = dict(peak)

    def sample() -> None:
        while not end.wait(0.002):
            for name, value in resident_bytes().items():
                peak[name] = max(peak[name], value)

    sampler = threading.Thread(target=sample)
    sampler.start()
    if way == "load":
        model = UniMedVL.from_pretrained(folder)
        size = sum(value.numel() * value.element_size() for value in model.state_dict().values())
    else:
        opened = open_published(folder)
        size = sum(tensor.num_bytes for tensor in opened.checkpoint.network.values())
        write_incoming(opened, target, {})
    end.set()
    sampler.join()
    peak["VmHWM"] = resident_bytes()["VmHWM"]
    print(json.dumps({"size": size, **{name: peak[name] - before[name] for name in peak}}))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]))
