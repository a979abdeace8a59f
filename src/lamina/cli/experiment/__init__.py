"""An experiment: from the words of a TOML file to a model, its data and how it is trained."""
