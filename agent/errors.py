"""What can go wrong in the assistant, drawn as a tree. Every text is a sentence a person can act on.

OdysseyError
├── Mendable        the person can mend it: a name, a value, a file
├── NotPermitted    the person's role does not allow it
├── Configuration   settings are wrong; all faults are listed at once
├── OwnedElsewhere  another process owns the home and does not answer
└── Unreachable     a model, server or service that was configured does not answer
"""

import secrets


class OdysseyError(Exception):
    """Something went wrong. `reference` is what a person quotes and the log knows."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.reference = new_reference()


class Mendable(OdysseyError):
    """The request names or holds something that has to be put right."""


class NotPermitted(OdysseyError):
    """The person's role in the project does not allow the request."""


class Configuration(OdysseyError):
    """The settings do not fit together."""


class OwnedElsewhere(OdysseyError):
    """Another process owns this home and does not answer."""


class Unreachable(OdysseyError):
    """A configured model, server or service does not answer."""


def new_reference() -> str:
    """A short id for an error, for people to quote and for the log to be searched by."""
    return "E-" + secrets.token_hex(3).upper()
