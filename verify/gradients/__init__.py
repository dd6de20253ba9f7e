"""How far back a gradient reaches: it vanishes, it explodes, or a gate carries it on."""
