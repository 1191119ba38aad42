"""Raw deliveries to records. `table.py` lists the adapters; a new data set is one file beside its kind and one line there."""
