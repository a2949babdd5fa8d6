"""The laws of rating.md as properties: the logs they are held against, an independent model, and planted bugs."""
