"""What can go wrong with what is known, drawn as a tree.

    KnowledgeError
    ├── Refused       a document cannot be taken in: its kind, its size, its encoding, nothing in it
    ├── NotFound      no document of that name in the project, or no file at that path
    ├── Busy          another process has the folder open
    ├── WriterFailed  a chat model could not write; the quoted passages are shown instead
    └── Unavailable   the encoder or the index cannot be opened; it can be rebuilt from the sources

The text of an error is one sentence a person can act on: what, where, how to mend it.
"""

REBUILD = "`odyssey knowledge rebuild` makes it anew from the kept sources"


class KnowledgeError(Exception):
    """What is known could not be read or changed."""


class Refused(KnowledgeError):
    """A document cannot be taken in as it is."""


class NotFound(KnowledgeError):
    """There is no such document or file."""


class Busy(KnowledgeError):
    """Another process owns the folder."""


class WriterFailed(KnowledgeError):
    """A chat model could not write an answer."""


class Unavailable(KnowledgeError):
    """The encoder or the index cannot be opened."""
