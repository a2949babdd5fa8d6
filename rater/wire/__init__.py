"""Every message on the wire, as pydantic models; `schemas/` is generated from here."""
