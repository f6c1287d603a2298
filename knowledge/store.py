"""Vectors in Chroma, one collection a scope. The only module that imports chromadb, and only when it is used.

In a folder, one process owns it: with two, acknowledged vectors are lost silently. Or at a server (`chroma run`).
Embeddings are always given (Chroma's default embedder would need the network), writes go in batches below Chroma's
limit.
"""

import hashlib
import shutil
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from knowledge.errors import REBUILD, Unavailable

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_PAGE = 2_000  # vectors read at once


@dataclass(frozen=True, slots=True)
class Server:
    """A Chroma server. `home` keeps several homes that share it apart."""

    host: str
    port: int
    home: str = ""
    ssl: bool = False


class VectorStore:
    """Passage ids by the nearness of their vectors."""

    def __init__(self, place: Path | Server) -> None:
        self._place = place
        self._opened: Any = None
        self._collections: dict[str, Any] = {}

    def check(self) -> None:
        """Raise `Unavailable` if the folder's database is spoilt; without opening Chroma."""
        if isinstance(self._place, Server) or not (file := self._place / "chroma.sqlite3").exists():
            return
        try:
            connection = sqlite3.connect(file)
            try:
                sound = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
            finally:
                connection.close()
        except sqlite3.DatabaseError as error:
            raise self._fault(error) from error
        if sound != "ok":
            raise self._fault(ValueError(sound))

    def wipe(self) -> None:
        """Forget everything, whatever state it is in."""
        self.close()
        if isinstance(self._place, Server):
            for collection in self._client().list_collections():
                if collection.name.startswith(self._prefix):
                    self._client().delete_collection(collection.name)
        else:
            shutil.rmtree(self._place, ignore_errors=True)

    def count(self, scope: str) -> int:
        """The number of vectors of a scope."""
        return int(self._ask(scope, "count"))

    def add(
        self,
        scope: str,
        name: str,
        version: str,
        ids: Sequence[str],
        vectors: "NDArray[np.float32]",
        audience: str = "",
    ) -> None:
        """Add the passages of one version of a document; adding them again changes nothing."""
        size = self._client().get_max_batch_size()
        for start in range(0, len(ids), size):
            part = ids[start : start + size]
            self._ask(
                scope,
                "upsert",
                ids=list(part),
                embeddings=vectors[start : start + size],
                metadatas=[{"document": name, "version": version, "audience": audience}] * len(part),
            )

    def remove(self, scope: str, name: str, keep: str | None) -> None:
        """Remove every passage of a document, but those of version `keep`."""
        where: dict[str, Any] = {"document": name}
        if keep is not None:
            where = {"$and": [where, {"version": {"$ne": keep}}]}
        self._ask(scope, "delete", where=where)

    def nearest(
        self, scope: str, vector: "NDArray[np.float32]", k: int, audiences: Sequence[str] | None = None
    ) -> list[str]:
        """At most `k` ids, the nearest by cosine first; of documents for these audiences only if some are given."""
        where = None if audiences is None else {"audience": {"$in": list(audiences) or [""]}}
        found = self._ask(scope, "query", query_embeddings=[vector], n_results=k, include=[], where=where)
        return list(found["ids"][0])

    def vectors(self, scope: str) -> dict[str, "NDArray[np.float32]"]:
        """Every vector of a scope by id, for the audit."""
        kept: dict[str, NDArray[np.float32]] = {}
        while True:
            page = self._ask(scope, "get", include=["embeddings"], limit=_PAGE, offset=len(kept))
            kept.update(zip(page["ids"], page["embeddings"], strict=True))
            if len(page["ids"]) < _PAGE:
                return kept

    def forget(self, scope: str, ids: Sequence[str]) -> None:
        """Remove passages by id."""
        for start in range(0, len(ids), _PAGE):
            self._ask(scope, "delete", ids=list(ids[start : start + _PAGE]))

    def clear(self, scope: str) -> None:
        """Forget a scope."""
        from chromadb.errors import NotFoundError

        self._collections.pop(scope, None)
        try:
            self._client().delete_collection(self._name(scope))
        except NotFoundError:
            return

    def close(self) -> None:
        if self._opened is not None:
            self._collections.clear()
            if hasattr(self._opened, "close"):
                self._opened.close()
            self._opened = None

    def _ask(self, scope: str, what: str, **arguments: Any) -> Any:
        """Call the scope's collection. Raises `Unavailable` where the index is spoilt or its server gone."""
        import httpx
        from chromadb.errors import ChromaError

        try:
            return getattr(self._collection(scope), what)(**arguments)
        except (ChromaError, httpx.HTTPError) as error:
            raise self._fault(error) from error

    def _client(self) -> Any:
        if self._opened is None:
            import chromadb
            from chromadb.api.shared_system_client import SharedSystemClient
            from chromadb.config import Settings

            settings = Settings(anonymized_telemetry=False)
            place = self._place
            try:
                if isinstance(place, Server):
                    self._opened = chromadb.HttpClient(place.host, place.port, ssl=place.ssl, settings=settings)
                else:
                    self._opened = chromadb.PersistentClient(str(place), settings)
            except (chromadb.errors.ChromaError, RuntimeError, ValueError, OSError, AttributeError) as error:
                # Chroma 1.5 stumbles over its own clean-up (AttributeError) when its database is spoilt, and keeps the
                # half-made client: without this the folder could not be opened again before the process ends
                SharedSystemClient._identifier_to_system.pop(str(place), None)
                SharedSystemClient._identifier_to_refcount.pop(str(place), None)
                raise self._fault(error) from error
        return self._opened

    def _fault(self, error: Exception) -> Unavailable:
        if isinstance(self._place, Server):
            at = f"{self._place.host}:{self._place.port}"
            return Unavailable(
                f"The Chroma server at {at} does not answer as it should ({type(error).__name__}); start it with "
                f"`chroma run --host {self._place.host} --port {self._place.port}`, or unset ODYSSEY_CHROMA_URL."
            )
        return Unavailable(f"The vector index {self._place} cannot be read ({type(error).__name__}); {REBUILD}.")

    def _collection(self, scope: str) -> Any:
        if scope not in self._collections:
            self._collections[scope] = self._client().get_or_create_collection(
                self._name(scope), embedding_function=None, configuration={"hnsw": {"space": "cosine"}}
            )
        return self._collections[scope]

    @property
    def _prefix(self) -> str:
        home = self._place.home if isinstance(self._place, Server) else ""
        return f"{hashlib.sha256(home.encode()).hexdigest()[:12]}-" if home else "scope-"

    def _name(self, scope: str) -> str:
        """Chroma allows few characters in a name; a digest is always one, and never a project's own words."""
        return self._prefix + hashlib.sha256(scope.encode()).hexdigest()[:32]
