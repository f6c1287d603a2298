"""Everything that runs on LangGraph.

Its checkpoints must hold plain values only: with the default, a crafted row in the database could run code when it is
read. The setting is read when langgraph is imported, so it is made before any module here imports it.
"""

import os

os.environ["LANGGRAPH_STRICT_MSGPACK"] = "true"
