"""The mirror: a shop's data in our own tables, and the loader that brings a bulk result into it."""
