"""What can go wrong in a tool, drawn as a tree.

    ToolError
    ├── UserFault    the person can mend it: a path, a column, a parameter, too little data
    ├── Transient    the same attempt may succeed later: a busy port, a full slot, an interrupted read
    ├── Cancelled    somebody asked the job to stop; what was done so far is saved
    ├── Followed     this process only computed beside another, which goes on alone
    └── Defect       Odyssey is wrong; the log has the details

The text of an error is one sentence a person can act on: what, where, how to mend it.
"""


class ToolError(Exception):
    """A tool could not do its work."""


class UserFault(ToolError):
    """Something in the request or its data has to be mended by the person who asked."""


class Transient(ToolError):
    """A passing condition stopped the work; trying again later may succeed."""


class Cancelled(ToolError):
    """The job was asked to stop, saved what it had and ended."""


class Followed(ToolError):
    """A process that shared the training has done its part; the first one finishes the job."""


class Defect(ToolError):
    """Odyssey itself is at fault; the log of the job has the details."""
