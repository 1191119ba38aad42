"""Sources of the default corpus, which come out of packages and `shipped/`."""
