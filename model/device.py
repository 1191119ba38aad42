"""What is computed on."""

import torch


def this_device() -> torch.device:
    """The GPU where there is one, else the CPU. An empty CUDA_VISIBLE_DEVICES takes the CPU beside a GPU too."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def take_device(threads: int) -> torch.device:
    """`this_device`, with so many threads on the CPU and sums in one order as far as the device knows one.

    To be called in the thread that computes: OpenMP keeps the number per thread, and float sums depend on it.
    """
    device = this_device()
    torch.set_num_threads(threads)
    # Bytes are promised on the CPU; some CUDA kernels have no deterministic form.
    torch.use_deterministic_algorithms(True, warn_only=device.type == "cuda")
    return device
