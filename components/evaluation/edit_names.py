"""What an editing task is called in metric keys: its own name, but `sr` for super-resolution."""

SHORT = {"super-resolution": "sr"}


def metric_name(edit: str) -> str:
    """The edit's name in metric keys and in benchmark items; a short name stays as it is."""
    return SHORT.get(edit, edit)
