"""The bundled sample project: a support desk that sorts tickets and drafts replies."""

from tools.data.support_desk.sample import Sample, write

__all__ = ["Sample", "write"]
