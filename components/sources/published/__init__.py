"""Public data sets in the layout that they are published in."""
