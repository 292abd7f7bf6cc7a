"""Python sources read as syntax: nothing of them is imported."""
