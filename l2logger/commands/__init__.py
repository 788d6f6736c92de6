"""The commands of the console script, one module each; `l2logger.cli` puts them together."""
