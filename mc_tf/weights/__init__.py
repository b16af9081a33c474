"""A network as a flat vector of weights and as a pure function. Private."""
