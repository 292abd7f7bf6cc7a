"""Request -> Outcome: what ``from-model`` does, one step a module. :mod:`.from_model` joins them."""
