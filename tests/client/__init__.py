"""A client that a program makes of the door's own OpenAPI document, and that talks to the door: `make test-client`."""
