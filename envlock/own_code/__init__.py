"""A person's own source files -> what they define, import and build. Nothing of them is run."""
